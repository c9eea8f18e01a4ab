package statements_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/statements"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
)

func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func tide() *receipt.Receipt {
	amd64, arm64 := plan.Platform{OS: "linux", Arch: "amd64"}, plan.Platform{OS: "linux", Arch: "arm64"}
	program := []inspect.Program{{Path: "/app/tide", Go: &inspect.Go{
		Version: "go1.26.9", Module: inspect.Module{Path: "example.com/tide"},
		Dependencies: []inspect.Dependency{{Module: inspect.Module{Path: "golang.org/x/mod", Version: "v0.42.0"}}},
	}}}
	began := time.Unix(1_790_000_000, 0)
	return &receipt.Receipt{
		Slipway: "v0.5.0",
		Gates:   []finding.Gate{{Name: finding.GateVulnerabilities, Outcome: finding.Passed}},
		Scanner: &receipt.Scanner{Name: "trivy", Version: "0.74.0"},
		Findings: []finding.Finding{
			{Gate: finding.GateVulnerabilities, ID: "CVE-2026-0001", Image: "tide", Status: finding.Accepted, Reason: "accepted", Platforms: []string{"linux/amd64"}},
		},
		Images: []receipt.Image{{
			Name: "tide", Digest: digest("1"),
			Plan: plan.Image{Name: "tide", Module: "example.com/tide", Mains: []plan.Main{{Name: "tide"}}, Platforms: []plan.Platform{amd64, arm64}},
			Inspection: &inspect.Report{Images: []inspect.Image{
				{Platform: amd64, Digest: digest("2"), Programs: program}, {Platform: arm64, Digest: digest("3"), Programs: program},
			}},
		}},
		Run: receipt.Run{Engine: "local", Started: began, Ended: began.Add(time.Minute)},
	}
}

// What comes of a receipt, by what it is attached to.
func TestOf_SaysEverythingOnce(t *testing.T) {
	t.Parallel()
	r := tide()
	facts := statements.Facts{
		Runner: provenance.Runner{ID: provenance.Local}, Remote: "https://u:secret@github.com/harbour/tide", Repositories: []string{"ghcr.io/harbour/tide"},
		Licence: func(string, string) string { return "BSD-3-Clause" },
	}
	made, err := statements.Of(r, r.Images[0], facts)
	require.NoError(t, err)
	type said struct{ subject, what string }
	var got []said
	for _, m := range made {
		require.True(t, m.Statement.Is(m.Subject))
		require.Equal(t, attest.StatementType, m.Statement.Type)
		got = append(got, said{m.Subject, m.Statement.PredicateType})
		text, err := m.Statement.Encode()
		require.NoError(t, err)
		require.NotContains(t, string(text), "secret")
	}
	require.Equal(t, []said{
		{digest("2"), attest.SPDX}, {digest("2"), attest.CycloneDX}, {digest("3"), attest.SPDX}, {digest("3"), attest.CycloneDX},
		{digest("1"), attest.Provenance}, {digest("1"), attest.Scan}, {digest("1"), attest.OpenVEX},
	}, got)

	again := tide()
	same, err := statements.Of(again, again.Images[0], facts)
	require.NoError(t, err)
	require.Equal(t, made, same, "the same receipt gives the same bytes")
}

func TestOf_LeavesOutWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	r := tide()
	r.Scanner, r.Findings = nil, nil
	made, err := statements.Of(r, r.Images[0], statements.Facts{Runner: provenance.Runner{ID: provenance.Local}})
	require.NoError(t, err)
	require.Equal(t, attest.Provenance, made[len(made)-1].Statement.PredicateType)

	r.Images[0].Inspection = nil
	_, err = statements.Of(r, r.Images[0], statements.Facts{})
	require.EqualError(t, err, "saying what is in tide: nobody looked into it")
}
