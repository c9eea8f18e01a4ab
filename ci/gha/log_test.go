package gha_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/receipt"
)

// seen is what the runner gets and, below it, what a person sees of that.
func seen(j *job) string {
	text := j.out.String()
	r := (&runner{}).feed(text)
	for _, line := range r.log {
		text += "> " + line + "\n"
	}
	return text
}

func TestLog_OfARunThatPasses(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.Mask("tide-secret")
	r := j.Reporter()
	plan := r.Start("plan")
	plan.Done("1 image for 2 platforms")
	r.Note("the source has uncommitted changes, see git status")
	one, two := r.Start("build linux/amd64"), r.Start("build linux/arm64")
	one.Log("go build -trimpath ./cmd/tide")
	two.Log("go build -trimpath ./cmd/tide")
	j.late[2]()
	j.pass(6200 * time.Millisecond)
	two.Done("3.1 MB")
	one.Cached("3.2 MB")
	publish := r.Start("publish ghcr.io/team/tide")
	publish.Log("token tide-secret")
	j.pass(900 * time.Millisecond)
	publish.Done("v1.2.0, latest")
	require.NoError(t, j.Finish(&receipt.Receipt{Verdict: receipt.Passed}, gha.Finish{Markdown: []byte("## tide: passed\n")}))
	j.Close()
	golden(t, "passed.log.golden", seen(j))
}

func TestLog_OfARunThatFails(t *testing.T) {
	t.Parallel()
	j := begin(t)
	r := j.Reporter()
	build := r.Start("build linux/amd64")
	build.Log("go build -trimpath ./cmd/tide")
	j.pass(2 * time.Second)
	build.Done("3.2 MB")
	test := r.Start("test")
	test.Log("ok  \texample.com/tide/cmd/tide")
	test.Log("--- FAIL: TestTide/low (0.01s)")
	test.Log("    tide_test.go:31: want 3, got 4")
	test.Log("::add-mask::o")
	scan := r.Start("scan")
	scan.Log("loading the database")
	j.pass(3400 * time.Millisecond)
	err := fault.New(fault.Tests, "the test TestTide/low fails").WithDetail("--- FAIL: TestTide/low (example.com/tide/internal/tide)", "    tide_test.go:31: want 3, got 4").WithFix("correct tide_test.go:31")
	test.Fail(err)
	result := tested(in("example.com/tide/internal/tide", failing("TestTide/low", "    tide_test.go:31: want 3, got 4", "::add-mask::o")))
	result.Failure = &receipt.Failure{Kind: "tests", What: err.What, Fix: err.Fix}
	result.Gates = []finding.Gate{{Name: finding.GateTests, Outcome: finding.Failed, Summary: "1 test, 1 failed"}, {Name: finding.GateVulnerabilities, Outcome: finding.Unjudged, Summary: "the run ended before"}}
	require.NoError(t, j.Finish(result, gha.Finish{Root: "svc", Markdown: []byte("## tide: failed\n")}))
	j.Error(err)
	j.Close()
	golden(t, "failed.log.golden", seen(j))
}
