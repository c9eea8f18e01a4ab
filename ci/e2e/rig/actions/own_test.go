package actions

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// standIn is a slipway that only tells the runner what the real one would.
const standIn = `#!/bin/sh
case "$1" in check|publish)
  mkdir -p .slipway/report
  echo '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"slipway"}},"results":[]}]}' > .slipway/report/results.sarif
  echo digest=sha256:1 >> "$GITHUB_OUTPUT"
  echo image=ghcr.io/harbour/tide@sha256:1 >> "$GITHUB_OUTPUT"
  echo tags=v1 >> "$GITHUB_OUTPUT"
esac
echo slipway "$@"
`

// own is a runner of this repository's workflows, with stand-ins for go and slipway.
func own(t *testing.T, workflow string) *Runner {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, workflow))
	require.NoError(t, err)
	r := repository(t, string(text))
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "slipway"), []byte(standIn), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n[ \"$1\" = -C ] && shift 2\ncp "+bin+"/slipway \"$3\"\n"), 0o755))
	r.Go = bin
	action, err := os.ReadFile(filepath.Join(root, "action.yml"))
	require.NoError(t, err)
	// Slipway's repository, as others name it.
	product := filepath.Join(t.TempDir(), "slipway")
	require.NoError(t, os.MkdirAll(filepath.Join(product, ".github/workflows"), 0o755))
	for name, text := range map[string][]byte{"action.yml": action, "go.mod": []byte("module x\n"), ".github/workflows/slipway.yml": text} {
		require.NoError(t, os.WriteFile(filepath.Join(product, name), text, 0o644))
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"commit", "--quiet", "--message=x"}} {
		_, err := git(t.Context(), product, args...)
		require.NoError(t, err)
	}
	r.Actions["example/slipway"] = product
	return r
}

func TestOwn_CIRunsOnEveryEvent(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]map[string]string{
		"push.main":           {"check": Skipped, "publish": Success, "alerts": Success},
		"push.tag":            {"check": Skipped, "publish": Success, "alerts": Success},
		"pull_request.fork":   {"check": Success, "publish": Skipped, "alerts": Skipped},
		"pull_request.branch": {"check": Success, "publish": Skipped, "alerts": Success},
		"merge_group":         {"check": Success, "publish": Skipped, "alerts": Success},
		"workflow_dispatch":   {"check": Success, "publish": Skipped, "alerts": Success},
		"schedule":            {"check": Success, "publish": Skipped, "alerts": Success},
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			r := own(t, ".github/workflows/ci.yml")
			e, err := ReadEvent(t.Context(), r.Source, event)
			require.NoError(t, err)
			if event == "schedule" {
				e.Payload["schedule"] = "17 4 * * *"
			}
			result, err := r.Run(t.Context(), e)
			require.NoError(t, err)
			for id, conclusion := range want {
				require.Equal(t, conclusion, result.Job(id).Conclusion, "%s: %s", id, result.Job(id).Log())
			}
			for _, job := range result.Jobs {
				require.Empty(t, job.Violations())
				require.False(t, job.Reach.Persisted)
			}
			if e.Fork {
				reach := result.Job("check").Reach
				require.Equal(t, map[string]string{"contents": "read"}, reach.Permissions)
				require.Empty(t, reach.Env)
				require.Empty(t, reach.Inputs)
			}
		})
	}
}

func TestOwn_AnotherRepositoryCallsTheWorkflow(t *testing.T) {
	t.Parallel()
	r := own(t, ".github/workflows/slipway.yml")
	caller := `
on: push
permissions: {}
jobs:
  publish:
    permissions: {contents: read, packages: write, id-token: write}
    uses: example/slipway/.github/workflows/slipway.yml@0123456789012345678901234567890123456789
    with: {target: ghcr.io/harbour/tide}
  after:
    needs: publish
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$DIGEST"
        env: {DIGEST: "${{ needs.publish.outputs.digest }}"}
`
	require.NoError(t, os.WriteFile(filepath.Join(r.Source, r.Workflow), []byte(caller), 0o644))
	for _, args := range [][]string{{"commit", "--quiet", "--all", "--message=x"}} {
		_, err := git(t.Context(), r.Source, args...)
		require.NoError(t, err)
	}
	result := start(t, r, "push.main")
	job := result.Job("publish/publish")
	require.Equal(t, Success, job.Conclusion, job.Log())
	require.Equal(t, []string{"sha256:1"}, result.Job("after").Steps[0].Log)
	require.Contains(t, job.Log(), "slipway publish --src source/.")
}

func TestOwn_ActSaysTheSame(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	program := rig.Tool(t, "act")
	r := own(t, ".github/workflows/ci.yml")
	for event, job := range map[string]string{"pull_request.fork": "check", "push.main": "publish"} {
		e, err := ReadEvent(t.Context(), r.Source, event)
		require.NoError(t, err)
		r.Work = t.TempDir()
		theirs, err := r.Act(t.Context(), program, job, e)
		require.NoError(t, err)
		require.Equal(t, Success, theirs.Conclusion, theirs.Log())
		require.Equal(t, start(t, r, event).Job(job).Step("slipway").Outputs, theirs.Step("slipway").Outputs)
	}
}
