package scaffold_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/scaffold"
)

func TestParseAction_WantsACommit(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("ab", 20)
	a, err := scaffold.ParseAction("team/slipway@" + commit + "#v1.2.3")
	require.NoError(t, err)
	require.Equal(t, scaffold.Action{Repository: "team/slipway", Commit: commit, Version: "v1.2.3"}, a)
	a, err = scaffold.ParseAction("team/slipway@" + commit)
	require.NoError(t, err)
	require.Equal(t, "team/slipway@"+commit+" # unreleased", a.Uses())
	for _, text := range []string{
		"", "team/slipway", "team/slipway@v1", "slipway@" + commit, "team/slipway@" + commit[1:], "team/slipway@" + commit + "#main",
		"team/slipway@" + commit + "#v1.2.3\n- run: true", "te am/slipway@" + commit, "./slipway@" + commit,
	} {
		_, err := scaffold.ParseAction(text)
		require.ErrorContains(t, err, "OWNER/REPO@COMMIT", text)
	}
}

func TestTarget_IsThePackageOfTheRepository(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"https://github.com/Team/Tide.git":             "ghcr.io/team/tide",
		"https://github.com/team/tide":                 "ghcr.io/team/tide",
		"https://ana:secret@github.com/team/tide.git/": "ghcr.io/team/tide",
		"git@github.com:Team/tide.git":                 "ghcr.io/team/tide",
		"ssh://git@github.com/team/tide.git":           "ghcr.io/team/tide",
		"github.com:team/tide":                         "ghcr.io/team/tide",
		"https://gitlab.com/team/tide":                 "",
		"https://github.com.example.com/team/tide":     "",
		"https://example.com/github.com/team/tide":     "",
		"https://github.com/team/tide/more":            "",
		"/srv/github.com/team/tide":                    "",
		"file:///github.com/team/tide":                 "",
		"":                                             "",
	} {
		require.Equal(t, want, scaffold.Target(remote, "."), remote)
	}
	require.Equal(t, "ghcr.io/team/mono/services-tide", scaffold.Target("https://github.com/team/mono", "services/Tide"))
}
