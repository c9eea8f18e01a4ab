package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

func TestText_VerdictSaysWhatReachedARegistry(t *testing.T) {
	t.Parallel()
	of := func(state receipt.PublicationState, names ...string) (list []receipt.Publication) {
		for _, name := range names {
			list = append(list, receipt.Publication{Repository: name, State: state})
		}
		return list
	}
	for _, tt := range []struct {
		name, want string
		verdict    receipt.Verdict
		all        []receipt.Publication
	}{
		{"no publish", "passed: 1 gate passed", receipt.Passed, nil},
		{"nothing", "unpublished: 1 gate passed; nothing was published", receipt.Unpublished, nil},
		{"one", "passed: 1 gate passed; published to 1 repository", receipt.Passed, of(receipt.Published, "a")},
		{"again", "passed: 1 gate passed; unchanged in 2 repositories", receipt.Passed, of(receipt.Unchanged, "a", "b")},
		{"none whole", "unpublished: 1 gate passed; incomplete in 2 repositories (a, b)", receipt.Unpublished, of(receipt.Incomplete, "a", "b")},
		{"all", "unpublished: 1 gate passed; published to 1 repository, unchanged in 1, incomplete in 1 (c)", receipt.Unpublished,
			append(of(receipt.Published, "a"), append(of(receipt.Incomplete, "c"), of(receipt.Unchanged, "b")...)...)},
		{"many", "unpublished: 1 gate passed; incomplete in 8 repositories (a, b, c, d, e, f, and 2 more)", receipt.Unpublished,
			of(receipt.Incomplete, "a", "b", "c", "d", "e", "f", "g", "h")},
		{"dry run", "passed: 1 gate passed; a dry run, so that nothing was published", receipt.Passed, of(receipt.Planned, "a")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &receipt.Receipt{Verdict: tt.verdict, Gates: []finding.Gate{{Name: "tests", Outcome: finding.Passed}}}
			r.Run.Publications = tt.all
			line, _, _ := strings.Cut(render(t, "text", r), "\n")
			require.Equal(t, tt.want, line)
		})
	}
}

func TestText_IncompleteSaysSoWithoutAFault(t *testing.T) {
	t.Parallel()
	r := &receipt.Receipt{Verdict: receipt.Unpublished}
	r.Run.Publications = []receipt.Publication{{Repository: "ghcr.io/team/server", State: receipt.Incomplete}}
	require.Contains(t, render(t, "text", r), "\nincomplete  ghcr.io/team/server\n  publishing ended before its last tag\n")
}

// A dry run reaches neither tags nor attestations, and tells by what it saw what would
// become of them.
func TestText_OpenIsToDoInADryRun(t *testing.T) {
	t.Parallel()
	p := receipt.Publication{
		Repository:   "ghcr.io/team/server",
		Tags:         []receipt.Tag{{Name: "v1", Outcome: receipt.TagOpen}, {Name: "latest", Before: "sha256:abc", Outcome: receipt.TagOpen}},
		Attestations: []receipt.Attestation{{Type: "https://slsa.dev/provenance/v1", Outcome: "open"}, {Type: "https://spdx.dev/Document", Outcome: "present"}},
	}
	for state, want := range map[receipt.PublicationState]string{
		receipt.Planned: "  to create  v1\n  to move    latest from sha256:abc\n" +
			"  to attest  1 to attach, 1 present: SBOM (SPDX), provenance; unsigned\n",
		receipt.Incomplete: "  open      v1, latest: not reached\n" +
			"  attested  1 present, 1 open: SBOM (SPDX), provenance; unsigned\n",
	} {
		p.State = state
		r := &receipt.Receipt{Verdict: receipt.Unpublished}
		r.Run.Publications = []receipt.Publication{p}
		require.Contains(t, render(t, "text", r), want)
	}
}

// What was found is the same wherever it is published.
func TestSARIF_ARunThatIsUnpublishedJudged(t *testing.T) {
	t.Parallel()
	for name, level := range map[string]string{"published": "warning", "unpublished": "error"} {
		var log struct {
			Runs []struct {
				Invocations []struct {
					Successful    bool `json:"executionSuccessful"`
					Notifications []struct {
						Level string `json:"level"`
					} `json:"toolExecutionNotifications"`
				} `json:"invocations"`
				Results []any `json:"results"`
			} `json:"runs"`
		}
		require.NoError(t, json.Unmarshal([]byte(render(t, "sarif", sample(t, name))), &log))
		run := log.Runs[0]
		require.Len(t, run.Results, 2)
		require.True(t, run.Invocations[0].Successful)
		require.Len(t, run.Invocations[0].Notifications, 1)
		require.Equal(t, level, run.Invocations[0].Notifications[0].Level)
	}
}

func TestHTML_TellsOfPublishingWhereThereWasSome(t *testing.T) {
	t.Parallel()
	for name, title := range map[string]string{"passed": "", "published": "Published", "unpublished": "Published in part", "planned": "To publish"} {
		got := render(t, "html", sample(t, name))
		require.Equal(t, title != "", strings.Contains(got, `<a href="#published">`+title+"</a>"), name)
		require.Equal(t, title != "", strings.Contains(got, "</strong> publish <span>"), name)
		require.Equal(t, title != "", strings.Contains(got, ".publication {"), name)
	}
	r := sample(t, "unpublished")
	r.Run.Publications = r.Run.Publications[1:]
	require.Contains(t, render(t, "html", r), ">Not published</h2>")
	require.Contains(t, render(t, "markdown", r), "### Not published\n")
	r.Run.Publications = nil
	require.Contains(t, render(t, "html", r), "<p>Nothing reached a registry.</p>")
}
