package vuln_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/vuln"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/policy"
	"example.com/slipway/ci/receipt"
)

var update = flag.Bool("update", false, "write the golden files again")

var (
	amd64  = plan.Platform{OS: "linux", Arch: "amd64"}
	armv7  = plan.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
	runner = provenance.Runner{ID: provenance.Local, Invocation: "https://ci.example.com/runs/42"}
)

func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func found(id string, status finding.Status, reach finding.Reach, reason string) finding.Finding {
	return finding.Finding{
		Gate: finding.GateVulnerabilities, ID: id, Severity: finding.High, Image: "tide", Platforms: []string{"linux/amd64"},
		What: "it hangs <&>", Reach: reach, Status: status, Reason: reason,
		Package: &finding.Package{Name: "golang.org/x/net", Kind: "gomod", Installed: "v0.50.0", PURL: "pkg:golang/golang.org/x/net@v0.50.0"},
	}
}

// tide is the receipt of a run with one finding of each kind.
func tide() *receipt.Receipt {
	began := time.Date(2026, 11, 23, 6, 12, 0, 0, time.FixedZone("tide", 3600))
	accepted := found("CVE-2026-0001", finding.Accepted, finding.Called, "accepted by harbour until 2027-01-01: no untrusted input")
	accepted.Aliases, accepted.Platforms = []string{"GO-2026-0001"}, []string{"linux/amd64", "linux/arm/v7"}
	elsewhere := found("CVE-2026-0009", finding.Accepted, "", "of another image")
	elsewhere.Image = "moon"
	distro := found("CVE-2026-0006", finding.NotAffected, "", "security@example.com says in vex.json that it does not affect the product: component_not_present")
	distro.Package = nil
	leak := found("secret/x", finding.Accepted, "", "of another gate")
	leak.Gate = finding.GateLeaks
	return &receipt.Receipt{
		Slipway: "v0.5.0",
		Gates:   []finding.Gate{{Name: finding.GateVulnerabilities, Outcome: finding.Passed, Summary: "2 images"}},
		Findings: []finding.Finding{
			found("CVE-2026-0002", finding.Fails, finding.Called, "high, the threshold is high"), accepted, elsewhere,
			found("CVE-2026-0003", finding.Noted, finding.Imported, "the vulnerable package is in the program, which calls nothing vulnerable in it"),
			found("CVE-2026-0004", finding.Noted, finding.Present, "the vulnerable package is not in the program"),
			found("CVE-2026-0005", finding.Noted, "", "no version fixes it"), distro, leak,
		},
		Scanner: &receipt.Scanner{Name: "trivy", Version: "0.74.0", Database: "ghcr.io/aquasecurity/trivy-db:2", Digest: digest("e"), Updated: began, Reach: "https://vuln.example.com"},
		Policy:  plan.Policy{Severity: "high", Unknown: "fail", Unfixed: "note", Reach: "called", Exceptions: []plan.Exception{{ID: "CVE-2026-0001"}}},
		Images: []receipt.Image{{
			Name: "tide", Digest: digest("1"), Plan: plan.Image{Name: "tide", Platforms: []plan.Platform{amd64, armv7}},
			Inspection: &inspect.Report{Images: []inspect.Image{{Platform: amd64, Digest: digest("2")}, {Platform: armv7, Digest: digest("3")}}},
		}},
		Run: receipt.Run{Started: began, Ended: began.Add(time.Minute), Steps: []receipt.Step{
			{Name: "build linux/amd64", After: 1, Took: 50_000}, {Name: "scan linux/arm/v7", After: 3000, Took: 2000},
			{Name: "scan tide linux/amd64", After: 2000, Took: 1000}, {Name: "scan moon linux/amd64", After: 100, Took: 50_000},
		}},
	}
}

func repositories() []string { return []string{"ghcr.io/harbour/tide", "localhost:5000/tide"} }

func golden(t *testing.T, name string, make func() (*attest.Statement, error)) {
	t.Helper()
	s, err := make()
	require.NoError(t, err)
	text, err := s.Encode()
	require.NoError(t, err)
	twice, err := make()
	require.NoError(t, err)
	require.Equal(t, s, twice, "the same receipt gives the same bytes")
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, text, "", "  "))
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./ci/attest/vuln -update writes it")
	require.Equal(t, string(want), got.String())
}

func TestScan_GoldenFile(t *testing.T) {
	t.Parallel()
	golden(t, "scan.golden", func() (*attest.Statement, error) {
		r := tide()
		return vuln.Scan(r, r.Images[0], runner)
	})
}

func TestVEX_GoldenFile(t *testing.T) {
	t.Parallel()
	golden(t, "vex.golden", func() (*attest.Statement, error) {
		r := tide()
		return vuln.VEX(r, r.Images[0], repositories(), runner)
	})
}

// A policy that takes VEX documents takes ours.
func TestVEX_IsReadAgain(t *testing.T) {
	t.Parallel()
	r := tide()
	s, err := vuln.VEX(r, r.Images[0], nil, runner)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vex.json"), s.Predicate, 0o600))
	_, err = policy.ReadVEX(dir, []string{"vex.json"})
	require.NoError(t, err)
}

func TestVEX_SaysNothingWhereNobodyDecided(t *testing.T) {
	t.Parallel()
	r := tide()
	r.Findings = r.Findings[:1]
	s, err := vuln.VEX(r, r.Images[0], repositories(), runner)
	require.NoError(t, err)
	require.Nil(t, s)
	r = tide()
	r.Policy.Reach, r.Findings = "all", r.Findings[3:6]
	s, err = vuln.VEX(r, r.Images[0], repositories(), runner)
	require.NoError(t, err)
	require.Nil(t, s, "where all counts, that nothing is called is not a decision")
}

func TestScan_SaysNothingWhereNobodyLooked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*receipt.Receipt){
		"no scanner": func(r *receipt.Receipt) { r.Scanner = nil },
		"no gate":    func(r *receipt.Receipt) { r.Gates = nil },
		"skipped":    func(r *receipt.Receipt) { r.Gates[0].Outcome = finding.Skipped },
		"unjudged":   func(r *receipt.Receipt) { r.Gates[0].Outcome = finding.Unjudged },
	} {
		r := tide()
		change(r)
		s, err := vuln.Scan(r, r.Images[0], runner)
		require.NoError(t, err)
		require.Nil(t, s, name)
	}
}

func TestScan_HasTheTimesOfTheRunWhereNoStepTells(t *testing.T) {
	t.Parallel()
	r := tide()
	r.Run.Steps = r.Run.Steps[:1]
	s, err := vuln.Scan(r, r.Images[0], runner)
	require.NoError(t, err)
	require.Contains(t, string(s.Predicate), `"metadata":{"scanStartedOn":"2026-11-23T05:12:00Z","scanFinishedOn":"2026-11-23T05:13:00Z"}`)
}
