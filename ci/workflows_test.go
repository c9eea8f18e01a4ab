package main_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/scaffold"
)

// workflows are the files of this repository that GitHub runs, and those that init
// writes for others, which are in the golden files of ci/scaffold.
func workflows(t *testing.T) (ours, written map[string]string) {
	t.Helper()
	ours, written = map[string]string{}, map[string]string{}
	for _, pattern := range []string{"../.github/workflows/*.y*ml", "../action.yml"} {
		found, err := filepath.Glob(filepath.FromSlash(pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		for _, name := range found {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			ours[name] = string(text)
		}
	}
	golden, err := filepath.Glob("scaffold/testdata/*.txtar")
	require.NoError(t, err)
	for _, name := range golden {
		archive, err := txtar.ParseFile(name)
		require.NoError(t, err)
		for _, file := range archive.Files {
			if strings.HasPrefix(file.Name, ".github/workflows/") {
				written[strings.TrimSuffix(filepath.Base(name), ".txtar")+".yml"] = string(file.Data)
			}
		}
	}
	require.Len(t, written, len(golden))
	require.NotEmpty(t, written)
	return ours, written
}

// all are both.
func all(ours, written map[string]string) map[string]string {
	both := maps.Clone(ours)
	maps.Copy(both, written)
	return both
}

func TestWorkflows_FollowTheRules(t *testing.T) {
	t.Parallel()
	for name, text := range all(workflows(t)) {
		wrong, err := violations([]byte(text))
		require.NoError(t, err, name)
		require.Empty(t, wrong, name)
	}
}

// Each rule catches its own offence in a workflow that is right otherwise.
func TestWorkflowRules_CatchWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	const good = `on: {pull_request: , push: }
permissions: {}
concurrency: ci-${{ github.ref }}
jobs:
  check:
    if: github.event_name != 'push'
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: {persist-credentials: false}
      - uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0
        with: {cache: false, go-version-file: go.mod}
      - uses: actions/cache/restore@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5
      - run: exec "$RUNNER_TEMP/slipway" check
  publish:
    if: github.event_name == 'push'
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    permissions: {packages: write, id-token: write}
    steps:
      - uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0
        with: {cache: false}
      - env: {GITHUB_TOKEN: "${{ github.token }}"}
        run: exec "$RUNNER_TEMP/slipway" publish --target "$TARGET"
      - if: github.ref == format('refs/heads/{0}', github.event.repository.default_branch)
        uses: actions/cache/save@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5
`
	none, err := violations([]byte(good))
	require.NoError(t, err)
	require.Empty(t, none)
	caught := map[string]bool{}
	for name, c := range map[string]struct{ rule, old, bad string }{
		"pull_request_target":       {"trigger", "pull_request: ", "pull_request_target: "},
		"workflow_run":              {"trigger", "on: {pull_request: , push: }", "on: [pull_request, workflow_run]"},
		"all of the token":          {"permissions", "permissions: {}", "permissions: read-all"},
		"permissions at the top":    {"permissions", "permissions: {}", "permissions: {contents: read}"},
		"no permissions at the top": {"permissions", "permissions: {}\n", ""},
		"a job without permissions": {"permissions", "    permissions: {contents: read}\n", ""},
		"no concurrency":            {"concurrency", "concurrency: ci-${{ github.ref }}\n", ""},
		"no timeout":                {"timeout", "    timeout-minutes: 10\n", ""},
		"a tag":                     {"pin", "checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "checkout@v7"},
		"a short commit":            {"pin", "checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "checkout@3d3c42e"},
		"an image":                  {"pin", "actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0", "docker://alpine:3"},
		"no version":                {"pin", " # v7.0.1", ""},
		"a moving version":          {"pin", " # v7.0.1", " # v7"},
		"an expression in a line":   {"run", `" check`, `" check ${{ github.head_ref }}`},
		"any other line":            {"run", `exec "$RUNNER_TEMP/slipway" check`, "make test"},
		"a second line":             {"run", `exec "$RUNNER_TEMP/slipway" check`, "|-\n          exec \"$RUNNER_TEMP/slipway\" check\n          true"},
		"a token in .git":           {"credentials", "        with: {persist-credentials: false}\n", ""},
		"a token in .git, said":     {"credentials", "persist-credentials: false", "persist-credentials: true"},
		"a cache in publish":        {"cache", "        with: {cache: false}\n", "        with: {cache: false}\n      - uses: actions/cache/restore@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5\n"},
		"saved by anybody":          {"saved", "actions/cache/restore@", "actions/cache@"},
		"saved alone by anybody":    {"saved", "actions/cache/restore@", "actions/cache/save@"},
		"saved by setup-go":         {"saved", "{cache: false, ", "{"},
		"saved by a tag":            {"saved", "if: github.ref ==", "if: github.ref_type == 'tag' || github.ref =="},
		"saved by any push":         {"saved", "      - if: github.ref == format('refs/heads/{0}', github.event.repository.default_branch)\n        uses", "      - uses"},
		"a secret for anybody":      {"reach", "{cache: false, ", "{cache: false, token: \"${{ secrets.TOKEN }}\", "},
		"the token for anybody":     {"reach", "{cache: false, ", "{cache: false, token: \"${{ github.token }}\", "},
		"a writing token":           {"reach", "{contents: read}", "{contents: write}"},
		"alerts beside tests":       {"reach", "{contents: read}", "{security-events: write}"},
		"publish for anybody":       {"reach", "if: github.event_name == 'push'", "if: github.event_name != 'schedule'"},
		"publish for more":          {"reach", "if: github.event_name == 'push'", "if: github.event_name == 'push' || github.actor == 'ana'"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, good, c.old)
			found, err := violations([]byte(strings.Replace(good, c.old, c.bad, 1)))
			require.NoError(t, err)
			require.Contains(t, found, c.rule)
			require.Len(t, found, 1, "%v", found)
			caught[c.rule] = true
		})
	}
	for name := range rules {
		require.Contains(t, caught, name, "a rule without an example")
	}
	_, err = violations([]byte("name: tide"))
	require.Error(t, err)
}

// The pins that init writes are these, which Dependabot keeps fresh.
func TestWorkflows_HaveOnePinOfEachAction(t *testing.T) {
	t.Parallel()
	pins := map[string]string{}
	for name, text := range all(workflows(t)) {
		for _, m := range regexp.MustCompile(`(?m)uses: ([\w.-]+/[\w.-]+)\S*@([0-9a-f]{40} # \S+)$`).FindAllStringSubmatch(text, -1) {
			if m[1] == scaffold.Repository {
				continue
			}
			if pins[m[1]] == "" {
				pins[m[1]] = m[2]
			}
			require.Equal(t, pins[m[1]], m[2], "%s in %s", m[1], name)
		}
	}
	require.Contains(t, pins, "actions/checkout")
}

// The name that others use Slipway by is in one place.
func TestWorkflows_NameTheirOwnRepository(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`uses: ([\w-]+/slipway)[/@]`)
	for _, file := range []string{"../action.yml", "../.github/workflows/slipway.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := named.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, found, file)
		for _, m := range found {
			require.Equal(t, scaffold.Repository, m[1], file)
		}
	}
}
