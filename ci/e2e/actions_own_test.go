package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/e2e/rig/actions"
)

// The workflow of this repository runs for every event, with the go command and with
// every byte of Slipway built by its own line. Nothing of it is changed but the registry.
// Of events that take the same way, one has all gates.
func TestActions_OwnWorkflow(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	h := kindOf(t, "docker-registry").open(t)
	f := ownForge(t, h, j)
	whole := f.Env
	for _, c := range []struct {
		event, job, idle, alerts string
		gates                    []string
	}{
		{"pull_request.fork", "check", "publish", actions.Skipped, nil},
		{"pull_request.branch", "check", "publish", actions.Success, []string{"SLIPWAY_GATE=image"}},
		{"merge_group", "check", "publish", actions.Success, []string{"SLIPWAY_GATE=image"}},
		{"schedule", "check", "publish", actions.Success, []string{"SLIPWAY_GATE=image"}},
		{"workflow_dispatch", "check", "publish", actions.Success, []string{"SLIPWAY_GATE=image"}},
		{"push.main", "publish", "check", actions.Success, []string{"SLIPWAY_GATE=image"}},
		{"push.tag", "publish", "check", actions.Success, nil},
	} {
		t.Run(c.event, func(t *testing.T) {
			f.Env = slices.Concat(whole, c.gates)
			result, e := f.start(t, c.event)
			job := result.Job(c.job)
			require.Equal(t, actions.Success, job.Conclusion, job.Log())
			require.Equal(t, actions.Skipped, result.Job(c.idle).Conclusion)
			require.Equal(t, c.alerts, result.Job("alerts").Conclusion, result.Job("alerts").Log())
			require.Empty(t, job.Violations())
			require.NotNil(t, result.Artifact("slipway"))
			require.Equal(t, "passed", job.Step("slipway").Outputs["verdict"])
			for _, step := range job.All() {
				require.NoFileExists(t, filepath.Join(job.Workspace, "pwned"), "%s ran what the name of the branch %s says", step.Name, e.HeadRef)
			}
			if e.Fork {
				requireReachesNothing(t, job)
			}
			requirePublished(t, h, job)
		})
	}
}

// ownForge has this repository, with another registry in its workflow.
func ownForge(t *testing.T, h *harborage, j *judges) *forge {
	t.Helper()
	const own = ".github/workflows/ci.yml"
	src := filepath.Join(t.TempDir(), "slipway")
	checkout(t, src)
	text, err := os.ReadFile(filepath.Join(src, own))
	require.NoError(t, err)
	moved := strings.ReplaceAll(string(text), "ghcr.io/${{ github.repository }}", h.repository("slipway"))
	require.NotEqual(t, string(text), moved)
	require.NoError(t, os.WriteFile(filepath.Join(src, own), []byte(moved), 0o644))
	git(t, src, "checkout", "--quiet", "-B", "main")
	git(t, src, "commit", "--quiet", "--all", "--message=another registry")
	require.NoError(t, actions.Refs(t.Context(), src))
	return (&forge{Runner: &actions.Runner{
		Repository: "harbour/tide", Source: src, Workflow: own,
		Env: slices.Concat(machine(t), j.variables(), []string{
			"GOCACHE=" + strings.TrimSpace(rig.Must(t, "", rig.Environ(), "go", "env", "GOCACHE")), "GOFLAGS=-trimpath",
			"SLIPWAY_ENGINE=local", "SLIPWAY_SIGN=off",
		}),
	}}).noDocker(t)
}

// requirePublished wants in the registry what a job that publishes says, and nothing of
// one that checks.
func requirePublished(t *testing.T, h *harborage, job *actions.Job) {
	t.Helper()
	said := job.Step("slipway").Outputs
	if job.ID != "publish" {
		require.Empty(t, said["image"])
		require.NotContains(t, job.Step("slipway").Summary, "docker pull")
		return
	}
	require.Equal(t, h.repository("slipway")+"@"+said["digest"], said["image"])
	require.Equal(t, said["image"], job.Outputs["image"])
	for tag := range strings.Lines(said["tags"]) {
		require.Equal(t, said["digest"], strings.TrimSpace(rig.Must(t, "", rig.Environ(), rig.Tool(t, "crane"), "digest", strings.TrimSpace(tag))))
	}
}
