package replay_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
	"example.com/slipway/ci/step"
)

var update = flag.Bool("update", false, "write the golden files again")

const commit = "413e0ae6bf1790c4e3f1d2b3a4958677885a6b7c"

func digest(pair string) string { return "sha256:" + strings.Repeat(pair, 32) }

// passed is the receipt of a run that passes, after changes.
func passed(changes ...func(*receipt.Receipt)) *receipt.Receipt {
	linux := plan.Platform{OS: "linux", Arch: "amd64"}
	img := plan.Image{
		Name: "tide", Module: "example.com/tide", Version: "v0.0.0-20261128061513-413e0ae6bf17", Commit: commit, Epoch: 1795846513, Toolchain: "go1.26.9",
		Builder:   plan.Pin{Name: "docker.io/library/golang", Tag: "1.26.9", Digest: digest("0a")},
		Base:      plan.Pin{Name: "gcr.io/distroless/static-debian12", Tag: "nonroot", Digest: digest("0b")},
		Platforms: []plan.Platform{linux}, Sources: map[string]string{"linux/amd64": digest("0c")},
	}
	r := &receipt.Receipt{
		Schema: receipt.Schema, Slipway: "v1.0.0", Verdict: receipt.Passed,
		Source:  &receipt.Source{Commit: commit, Folder: "app", Remote: "https://example.com/team/svc.git", Modules: digest("0d")},
		Images:  []receipt.Image{{Name: "tide", Digest: digest("1a"), Plan: img}},
		Tests:   &finding.Tests{Race: true, Packages: []finding.TestPackage{{Name: "example.com/tide", Outcome: "pass", Tests: []finding.Test{{Name: "TestWave", Outcome: "pass"}}}}},
		Scanner: &receipt.Scanner{Name: "Trivy", Version: "0.74.0", Database: "mirror.gcr.io/aquasec/trivy-db", Digest: digest("0e"), Updated: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC), Reach: "https://vuln.go.dev"},
		Policy:  plan.Policy{Severity: "high"},
		Run: receipt.Run{
			Request: receipt.Request{Verb: "check", Settings: map[string][]string{"platform": {"linux/amd64"}}},
			Engine:  "dagger", EngineVersion: "v0.21.8", Host: "linux/amd64",
			Toolchain: &receipt.Toolchain{Release: "go1.26.9", From: "golang.org/toolchain@v0.0.1-go1.26.9.linux-amd64", Sum: "h1:one"},
			Plan:      plan.Run{Source: "/home/runner/work/svc/app", Ref: "refs/pull/7/merge"},
			Steps: []receipt.Step{{Name: "test", Outcome: "done", Commands: []step.Command{
				{Args: []string{"go", "test", "./..."}, Env: []string{"GOFLAGS=-mod=readonly", "GOAMD64=v1"}},
			}}},
		},
	}
	for _, name := range finding.Gates() {
		r.Gates = append(r.Gates, finding.Gate{Name: name, Outcome: finding.Passed})
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

// here makes it a run of another place, which is no difference.
func here(r *receipt.Receipt) {
	r.Run.Engine, r.Run.EngineVersion, r.Run.Host, r.Run.Plan.Source = "local", "go1.26.8", "darwin/arm64", "/tmp/slipway-reproduce-1/app"
	r.Run.Toolchain = &receipt.Toolchain{Release: "go1.26.9", From: "golang.org/toolchain@v0.0.1-go1.26.9.darwin-arm64", Sum: "h1:two"}
}

// fails makes it a run that fails.
func fails(kind, at, what string, detail ...string) func(*receipt.Receipt) {
	return func(r *receipt.Receipt) {
		r.Verdict = receipt.Failed
		r.Failure = &receipt.Failure{Kind: kind, Step: at, What: what, Fix: "mend it", Detail: detail}
		if kind == "source" {
			r.Images[0].Digest, r.Gates = "", nil
		}
	}
}

func refuses(gate string, found ...finding.Finding) func(*receipt.Receipt) {
	return func(r *receipt.Receipt) {
		fails("gate", "", "the gate "+gate+" refuses the image")(r)
		refused(r, gate, finding.Failed)
		for _, f := range found {
			f.Gate, f.Status = gate, finding.Fails
			r.Findings = append(r.Findings, f)
		}
	}
}

func refused(r *receipt.Receipt, gate string, o finding.Outcome) {
	for i := range r.Gates {
		if r.Gates[i].Name == gate {
			r.Gates[i].Outcome = o
		}
	}
}

// tests makes tests of outcomes such as TestWave=fail.
func tests(outcomes ...string) func(*receipt.Receipt) {
	return func(r *receipt.Receipt) {
		fails("tests", "test", "the gate tests fails")(r)
		refused(r, finding.GateTests, finding.Failed)
		p := finding.TestPackage{Name: "example.com/tide", Outcome: "pass"}
		for _, text := range outcomes {
			name, outcome, _ := strings.Cut(text, "=")
			if outcome == "fail" {
				p.Outcome = "fail"
			}
			p.Tests = append(p.Tests, finding.Test{Name: name, Outcome: outcome, Seconds: 1.5, Output: []string{"main_test.go:7: no wave"}})
		}
		r.Tests = &finding.Tests{Race: true, Packages: []finding.TestPackage{p}}
	}
}

// record is that of a receipt as it comes from a file.
func record(t *testing.T, r *receipt.Receipt) *replay.Record {
	t.Helper()
	text, err := json.Marshal(r)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "receipt.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	rec, err := replay.Open(file, "/", "")
	require.NoError(t, err)
	return rec
}

// fromToken is that of its token.
func fromToken(t *testing.T, r *receipt.Receipt) *replay.Record {
	t.Helper()
	token := replay.Token(r)
	require.NotEmpty(t, token)
	rec, err := replay.Open(token, "/", "")
	require.NoError(t, err)
	return rec
}
