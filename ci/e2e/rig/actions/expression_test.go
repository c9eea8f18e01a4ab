package actions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func places(status string) scope {
	event := fromJSON("github.event", map[string]any{
		"number": 7.0, "fork": true, "labels": []any{map[string]any{"name": "Tide"}}, "pull_request": map[string]any{"head": map[string]any{"ref": "a'b"}},
	})
	return scope{
		contexts: map[string]any{
			"github": newObject("github", true).set("ref", "refs/heads/main").set("event_name", "push").set("event", event),
			"env":    textObject("env", map[string]string{"EMPTY": "", "ONE": "1"}),
		},
		status: func(function string) bool { return function == "always" || function == status },
	}
}

func TestFill_PutsValuesIntoTexts(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"plain":                                                            "plain",
		"a ${{ github.ref }} b":                                            "a refs/heads/main b",
		"${{ github['event_name'] }}":                                      "push",
		"${{ GitHub.Event_Name }}":                                         "push",
		"${{github.ref}}${{env.ONE}}":                                      "refs/heads/main1",
		"${{ 'it''s }} here' }}":                                           "it's }} here",
		"${{ github.event.number }}":                                       "7",
		"${{ github.event.nothing.more }}":                                 "",
		"${{ env.NOTHING }}":                                               "",
		"${{ github.event.labels[0].name }}":                               "Tide",
		"${{ github.event.pull_request.head.ref }}":                        "a'b",
		"${{ true && 'yes' || 'no' }}":                                     "yes",
		"${{ env.EMPTY || 'fallback' }}":                                   "fallback",
		"${{ 0 || false || null }}":                                        "",
		"${{ !env.EMPTY }}":                                                "true",
		"${{ env.ONE == 1 }}":                                              "true",
		"${{ 'TIDE' == github.event.labels[0].name }}":                     "true",
		"${{ github.event.nothing == '' }}":                                "true",
		"${{ github.event.fork == true && (1 != 2) }}":                     "true",
		"${{ 'a' == 0 }}":                                                  "false",
		"${{ format('{0}-{1}-{{0}}', github.event_name, 2) }}":             "push-2-{0}",
		"${{ startsWith(github.ref, 'REFS/heads/') }}":                     "true",
		"${{ endsWith(github.ref, 'x') }}":                                 "false",
		"${{ contains('a,b', 'B') }}":                                      "true",
		"${{ contains(fromJSON('[\"push\",\"x\"]'), github.event_name) }}": "true",
		"${{ 1.5 }} ${{ 0x10 }}":                                           "1.5 16",
	} {
		got, err := places(Success).fill(template)
		require.NoError(t, err, template)
		require.Equal(t, want, got, template)
	}
}

func TestFill_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"${{ github.rev }}":              `github has no "rev"`,
		"${{ secrets.TOKEN }}":           `no "secrets" in this place`,
		"${{ hashFiles('go.sum') }}":     "not known here",
		"${{ format('{0}') }}":           "too few arguments",
		"${{ format('{x}', 1) }}":        "is not one",
		"${{ format() }}":                "not known here",
		"${{ contains('a') }}":           "not known here",
		"${{ 1 < 2 }}":                   "not known here",
		"${{ github.event.labels.*.x }}": "not known here",
		"${{ github.ref":                 "expression",
		"${{ }}":                         "expression",
		"${{ github.ref ref }}":          "expression",
		"${{ \"double\" }}":              "expression",
		"${{ fromJSON('{') }}":           "fromJSON",
		"${{ success() }}":               "only for conditions",
	} {
		_, err := places(Success).withoutStatus().fill(template)
		require.ErrorContains(t, err, want, template)
	}
}

func TestHolds_AsksForSuccessUnlessTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		condition                   string
		success, failure, cancelled bool
	}{
		{condition: "", success: true},
		{condition: "true", success: true},
		{condition: "${{ github.event_name == 'push' }}", success: true},
		{condition: "github.event_name != 'push'"},
		{condition: "always()", success: true, failure: true, cancelled: true},
		{condition: "!cancelled()", success: true, failure: true},
		{condition: "failure() && github.event_name == 'push'", failure: true},
		{condition: "success() || failure()", success: true, failure: true},
		{condition: "${{ cancelled() }}", cancelled: true},
		{condition: "'false'", success: true},
	} {
		for status, want := range map[string]bool{Success: c.success, Failure: c.failure, Cancelled: c.cancelled} {
			got, err := places(status).holds(c.condition)
			require.NoError(t, err, c.condition)
			require.Equal(t, want, got, "%s in %s", c.condition, status)
		}
	}
	// GitHub takes these for texts, which are never false.
	for _, condition := range []string{"${{ false }} x", "${{ false }} && ${{ true }}", "x ${{ false }}"} {
		_, err := places(Success).holds(condition)
		require.Error(t, err, condition)
	}
}

func FuzzFill(f *testing.F) {
	for _, seed := range []string{"${{ a.b['c'] == 'd' && !e }}", "${{ format('{0}{{', 1) }}", "x ${{", "${{ github.event.*[0] }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, template string) {
		s := places(Success)
		_, _ = s.fill(template)
		_, _ = s.holds(template)
	})
}
