package actions_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/e2e/rig/actions"
)

const second = `
on: [push, pull_request]
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with: {persist-credentials: false}
      - uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e
        with: {go-version-file: go.mod, cache: false}
      - id: write
        env: {REF: "${{ github.head_ref || github.ref_name }}"}
        run: |
          go env GOVERSION
          printf 'lines<<E\na\nb\nE\n' >> "$GITHUB_OUTPUT"
          echo "ref=$REF" >> "$GITHUB_OUTPUT"
          echo "# $GITHUB_REPOSITORY" >> "$GITHUB_STEP_SUMMARY"
          echo "LATER=1" >> "$GITHUB_ENV"
          echo "::error file=a.go,line=3::a%0Ab"
          printf '::stop-commands::token-of-mine\n::warning::no\n::token-of-mine::\n'
      - id: read
        env: {LINES: "${{ steps.write.outputs.lines }}"}
        run: test "$LATER $LINES" = "1 $(printf 'a\nb')"
      - id: fails
        run: exit 11
      - id: skipped
        run: "true"
      - id: always
        if: ${{ always() && steps.fails.outcome == 'failure' }}
        run: "true"
      - if: always()
        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a
        with: {name: a, path: go.mod}
`

// Where two that were written apart say the same, it is likely to be so on GitHub.
func TestAct_SaysTheSame(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	program := rig.Tool(t, "act")
	dir := filepath.Join(t.TempDir(), "tide")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".github/workflows"), 0o755))
	for name, text := range map[string]string{"go.mod": "module example.com/tide\n\ngo 1.26.1\n", ".github/workflows/ci.yml": second} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	env := append(rig.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	rig.Must(t, dir, env, "git", "init", "--quiet", "--initial-branch=main")
	rig.Must(t, dir, env, "git", "add", "--all")
	rig.Must(t, dir, env, "git", "commit", "--quiet", "--message=tide")
	require.NoError(t, actions.Refs(t.Context(), dir))

	for _, name := range []string{"push.main", "push.tag", "pull_request.fork"} {
		t.Run(name, func(t *testing.T) {
			r := &actions.Runner{Repository: "harbour/tide", Source: dir, Workflow: ".github/workflows/ci.yml", Work: t.TempDir()}
			event, err := actions.ReadEvent(t.Context(), dir, name)
			require.NoError(t, err)
			result, err := r.Run(t.Context(), event)
			require.NoError(t, err)
			ours := result.Job("a")
			theirs, err := r.Act(t.Context(), program, "a", event)
			require.NoError(t, err)
			require.Equal(t, ours.Conclusion, theirs.Conclusion)
			require.Equal(t, actions.Failure, ours.Conclusion)
			for _, id := range []string{"write", "read", "fails", "always"} {
				require.Equal(t, ours.Step(id).Outcome, theirs.Step(id).Outcome, id)
			}
			write := theirs.Step("write")
			require.Equal(t, ours.Step("write").Outputs, write.Outputs)
			require.Equal(t, ours.Step("write").Summary, write.Summary)
			require.Equal(t, ours.Step("write").Annotations, write.Annotations)
			require.Equal(t, ours.Step("write").Log[0], write.Log[0])
			require.Equal(t, actions.Skipped, ours.Step("skipped").Outcome)
			if s := theirs.Step("skipped"); s != nil {
				require.Equal(t, actions.Skipped, s.Outcome)
			}
		})
	}
}
