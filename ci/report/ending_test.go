package report_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/report"
)

func TestText_TellsWhatEndedARunUnlessSomebodyElseDoes(t *testing.T) {
	t.Parallel()
	r := sample(t, "broken")
	const said = "\nerror  build linux/arm64\n  the source does not build for linux/arm64\n"
	require.Contains(t, render(t, "text", r), said)
	var b strings.Builder
	require.NoError(t, report.Text(&b, r, report.TextOptions{Told: true}))
	require.NotContains(t, b.String(), said)
	require.Contains(t, b.String(), "failed: ended in the step build linux/arm64, before any gate judged\n")
	// What gates and registries say of themselves is not said twice.
	require.NotContains(t, render(t, "text", sample(t, "failed")), "\nerror")
}

func TestMarkdown_SaysWhatFailedAndWhatToDoFirst(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"broken": {"the source does not build", "**Fix:** go build", "server.go:41:7: undefined: tide", "Slowest", "The run", "Replay on your machine:"},
		"failed": {"the gate tests fails", "What failed: TestTide/low, TestMoon", "**Fix:** go test ./internal/tide", "### tide", "| Gate |", "findings to mend", "### Failing tests", "### Flaky tests", "Slowest", "The run"},
		"published": {"### Published", "docker pull ghcr.io/team/server@sha256:", "| Repository | Outcome |", "Change since ghcr.io/team/server:1.4", "| Gate |",
			"### Flaky tests", "Slowest", "Cached: toolchain", "The run", "slipway reproduce sw1-"},
	} {
		rest := render(t, "markdown", sample(t, name))
		for _, part := range want {
			_, after, found := strings.Cut(rest, part)
			require.True(t, found, "%s: %q in its place", name, part)
			rest = after
		}
	}
}

// A command that is pasted into a shell comes from a receipt: it is nothing but a command.
func TestWrite_ACommandToCopyHasNothingThatAShellReads(t *testing.T) {
	t.Parallel()
	for token, good := range map[string]bool{
		"sw1-aB_9-x": true, "": false, "a b": false, "a;b": false, "$(a)": false, "`a`": false, "-a": false, "a\nb": false, "a|b": false, "a>b": false, "'a'": false,
		"/etc/passwd": false, "../a": false, "a\\b": false, strings.Repeat("a", 1001): false,
	} {
		r := &receipt.Receipt{Verdict: receipt.Failed, Run: receipt.Run{Replay: token}}
		for _, form := range []string{"text", "markdown"} {
			require.Equal(t, good, strings.Contains(render(t, form, r), "slipway reproduce"), "%s: %q", form, token)
		}
		require.Equal(t, good, strings.Contains(render(t, "html", r), `<p class="replay">`), "%q", token)
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	for name, good := range map[string]bool{
		"ghcr.io/team/server@" + digest: true, "localhost:5000/a@" + digest: true, "a;b@" + digest: false, "-v=/:/a@" + digest: false, "a@sha256:0": false, "a`b`@" + digest: false, "a\n```\n@" + digest: false,
	} {
		repository, digest, _ := strings.Cut(name, "@")
		r := &receipt.Receipt{Verdict: receipt.Passed}
		r.Run.Publications = []receipt.Publication{{Repository: repository, Digest: digest, State: receipt.Published}}
		for _, form := range []string{"text", "markdown"} {
			require.Equal(t, good, strings.Contains(render(t, form, r), "docker pull "), "%s: %q", form, name)
		}
	}
}

func TestText_AReplayIsForRunsThatDidNotPass(t *testing.T) {
	t.Parallel()
	r := &receipt.Receipt{Verdict: receipt.Passed, Run: receipt.Run{Replay: "sw1-a"}}
	require.NotContains(t, render(t, "text", r), "reproduce")
	r.Verdict = receipt.Unpublished
	require.True(t, strings.HasSuffix(render(t, "text", r), "\nReplay on your machine:\n  slipway reproduce sw1-a\n"))
}

func TestJUnit_FlakyTestsAndRunsThatEndedEarly(t *testing.T) {
	t.Parallel()
	type result struct {
		Suites []struct {
			Name   string `xml:"name,attr"`
			Errors int    `xml:"errors,attr"`
			Failed int    `xml:"failures,attr"`
			Cases  []struct {
				Name  string `xml:"name,attr"`
				Flaky *struct {
					Type  string `xml:"type,attr"`
					Stack string `xml:"stackTrace"`
				} `xml:"flakyFailure"`
				Error *struct {
					Type string `xml:"type,attr"`
					Text string `xml:",chardata"`
				} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	var flaky, broken result
	require.NoError(t, xml.Unmarshal([]byte(render(t, "junit", sample(t, "published"))), &flaky))
	suite := flaky.Suites[0]
	require.Zero(t, suite.Errors+suite.Failed, "a flaky test passed")
	require.Equal(t, "TestTide/ebb", suite.Cases[3].Name)
	require.Equal(t, "test", suite.Cases[3].Flaky.Type)
	require.Contains(t, suite.Cases[3].Flaky.Stack, "want high water, got low")
	require.NoError(t, xml.Unmarshal([]byte(render(t, "junit", sample(t, "broken"))), &broken))
	require.Len(t, broken.Suites, 1)
	require.Equal(t, 1, broken.Suites[0].Errors)
	require.Equal(t, "source", broken.Suites[0].Cases[0].Error.Type)
	require.Contains(t, broken.Suites[0].Cases[0].Error.Text, "undefined: tide")
}

func TestSARIF_SaysWhetherTheRunLookedAtAllOfIt(t *testing.T) {
	t.Parallel()
	ended := func(verdict receipt.Verdict, kind string, gates ...finding.Gate) *receipt.Receipt {
		return &receipt.Receipt{Verdict: verdict, Gates: gates, Failure: &receipt.Failure{Kind: kind, Exit: 9, What: "it ended"}}
	}
	for name, tt := range map[string]struct {
		r             *receipt.Receipt
		good          bool
		notifications int
	}{
		"passed":      {&receipt.Receipt{Verdict: receipt.Passed}, true, 0},
		"compile":     {ended(receipt.Failed, "source"), false, 1},
		"tests":       {ended(receipt.Failed, "tests", finding.Gate{Name: finding.GateTests, Outcome: finding.Failed}), false, 1},
		"interrupted": {ended(receipt.Stopped, "interrupted"), false, 1},
		"engine":      {ended(receipt.Stopped, "engine"), false, 1},
		"gate":        {ended(receipt.Failed, "gate", finding.Gate{Name: finding.GateImage, Outcome: finding.Failed}), true, 1},
		"unjudged":    {ended(receipt.Unjudged, "unjudged", finding.Gate{Name: finding.GateSmoke, Outcome: finding.Unjudged}), false, 1},
	} {
		var log struct {
			Runs []struct {
				Invocations []struct {
					Successful    bool  `json:"executionSuccessful"`
					Exit          *int  `json:"exitCode"`
					Notifications []any `json:"toolExecutionNotifications"`
				} `json:"invocations"`
			} `json:"runs"`
		}
		require.NoError(t, json.Unmarshal([]byte(render(t, "sarif", tt.r)), &log))
		of := log.Runs[0].Invocations[0]
		require.Equal(t, tt.good, of.Successful, name)
		require.Len(t, of.Notifications, tt.notifications, name)
		require.Equal(t, name != "passed", of.Exit != nil && *of.Exit == 9, name)
	}
}
