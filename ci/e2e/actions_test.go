package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/e2e/rig/actions"
	"example.com/slipway/ci/receipt"
)

// forge is a repository on a stand-in for GitHub, with the workflow that init wrote.
type forge struct {
	*actions.Runner
	// said is what init said.
	said string
}

// action is how workflows of other repositories name Slipway.
const action = "example/slipway@0123456789012345678901234567890123456789#v1.0.0"

// nowhere is a repository for workflows that do not come to publishing.
const nowhere = "127.0.0.1:1/harbour/tide"

// newForge commits what init writes, and nothing else, and lets the runner know where
// everything is that this machine has in the place of the internet. What is said goes into
// the workflow's env, where users write it.
func newForge(t *testing.T, src, target string, said []string, env ...string) *forge {
	t.Helper()
	return newForgeBy(t, src, target, nil, said, env...)
}

// newForgeBy is newForge with more flags for init.
func newForgeBy(t *testing.T, src, target string, flags, said []string, env ...string) *forge {
	t.Helper()
	args := append([]string{"init", "--src", src, "--action", action, "--target", target}, flags...)
	r := rig.Run(t, "", environment(t), slipway(t), args...)
	require.Zero(t, r.Code, r.Stderr)
	say(t, filepath.Join(src, workflow), said)
	git(t, src, "add", "--all")
	git(t, src, "commit", "--quiet", "--message=slipway init")
	require.NoError(t, actions.Refs(t.Context(), src))
	return &forge{&actions.Runner{
		Repository: "harbour/tide", Source: src, Workflow: workflow, Work: t.TempDir(),
		Env:     append(machine(t), env...),
		Go:      builtGo(t),
		Actions: map[string]string{"example/slipway": repository(t)},
		Grace:   actions.Grace{Interrupt: 20 * time.Second, Terminate: 5 * time.Second, Streams: 5 * time.Second},
	}, r.Stderr}
}

// workflow is the file that init writes.
const workflow = ".github/workflows/slipway.yml"

// say adds variables to a workflow.
func say(t *testing.T, file string, said []string) {
	t.Helper()
	if len(said) == 0 {
		return
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	env := "env:\n"
	for _, kv := range said {
		name, value, _ := strings.Cut(kv, "=")
		env += "  " + name + ": \"" + value + "\"\n"
	}
	changed := strings.Replace(string(text), "permissions: {}\n", env+"permissions: {}\n", 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o644))
}

// machine are the variables by which a runner finds what a runner on GitHub has.
func machine(t *testing.T) []string {
	t.Helper()
	env := []string{"SLIPWAY_CACHE=" + cacheDir(t), "SLIPWAY_BASE=builtin"}
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOMODCACHE", "SSL_CERT_FILE"} {
		if value := strings.TrimSpace(rig.Must(t, "", rig.Environ(), "go", "env", name)); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// builtGo is a go command that has Slipway built already where somebody builds it, since
// each job of the tests would do so. What the workflow's own line builds is seen by
// TestActions_OwnWorkflow.
func builtGo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	real := strings.TrimSpace(rig.Must(t, "", rig.Environ(), "which", "go"))
	script := "#!/bin/sh\nif [ \"$1\" = -C ] && [ \"$3\" = build ]; then exec cp " + slipway(t) + " \"$5\"; fi\nexec " + real + " \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755))
	return dir
}

// start runs the workflow for an event of the fixtures.
func (f *forge) start(t *testing.T, event string) (*actions.Result, actions.Event) {
	t.Helper()
	e, err := actions.ReadEvent(t.Context(), f.Source, event)
	require.NoError(t, err)
	if event == "schedule" {
		e.Payload["schedule"] = "17 4 * * *"
	}
	f.Work = t.TempDir()
	result, err := f.Run(t.Context(), e)
	require.NoError(t, err)
	return result, e
}

// noDocker hides the runtimes from a job: trials of images have tests of their own.
func (f *forge) noDocker(t *testing.T) *forge {
	t.Helper()
	hidden, _, _ := strings.Cut(pathWithout(t, "docker", "podman"), string(filepath.ListSeparator))
	f.Path = append(f.Path, hidden)
	return f
}

// A newcomer runs init, commits what it wrote, and the workflow passes: on a pull request
// out of a fork, which can reach nothing, and on a push, which publishes.
func TestActions_NewcomersPass(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	for _, s := range []service{
		{module: "github.com/jpillora/chisel", version: "v1.10.1"},
		{module: "filippo.io/age", version: "v1.2.1", flags: []string{"--main=./cmd/age", "--smoke-args=--version"}},
		{module: "github.com/prometheus/statsd_exporter", version: "v0.28.0"},
	} {
		t.Run(s.module, func(t *testing.T) {
			began := time.Now()
			src := s.source(t)
			git(t, src, "init", "--quiet", "--initial-branch=main")
			git(t, src, "add", "--all")
			git(t, src, "commit", "--quiet", "--message="+s.version)
			f := newForgeBy(t, src, nowhere, s.flags, nil, j.variables()...).noDocker(t)
			result, e := f.start(t, "pull_request.fork")
			require.True(t, e.Fork)
			job := result.Job("check")
			require.Equal(t, actions.Success, job.Conclusion, job.Log())
			require.Empty(t, job.Violations())
			require.Regexp(t, `^sha256:[0-9a-f]{64}$`, job.Step("slipway").Outputs["digest"])
			require.Equal(t, "passed", job.Step("slipway").Outputs["verdict"])
			require.Contains(t, job.Step("slipway").Summary, "passed")
			requireReachesNothing(t, job)
			require.Equal(t, actions.Skipped, result.Job("publish").Conclusion)
			t.Logf("%s: from init to a green check in %s", s.module, time.Since(began).Round(time.Second))
		})
	}
}

// A push of a version publishes, and the job's outputs name what is in the registry then.
func TestActions_APushPublishes(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	h := kindOf(t, "docker-registry").open(t)
	f := newForge(t, write(t, "harbour", harbour), h.repository("tide"), []string{"SLIPWAY_SIGN=off"}, j.variables()...).noDocker(t)
	result, _ := f.start(t, "push.tag")
	require.Equal(t, actions.Skipped, result.Job("check").Conclusion)
	job := result.Job("publish")
	require.Equal(t, actions.Success, job.Conclusion, job.Log())
	require.Empty(t, job.Violations())
	said := job.Step("slipway").Outputs
	require.Equal(t, h.repository("tide")+"@"+said["digest"], said["image"])
	require.Contains(t, said["tags"], h.repository("tide")+":1.2.3")
	require.Contains(t, job.Step("slipway").Summary, "docker pull "+said["image"])
	require.Equal(t, "passed", said["verdict"])
	require.Len(t, strings.Fields(said["sbom"]), 2, "one for each platform")
	requireJob(t, "published", job)
	r := rig.Run(t, "", environment(t), slipway(t), "verify", "--insecure-unsigned", said["image"])
	require.Zero(t, r.Code, "%s%s", r.Stdout, r.Stderr)
	result, _ = f.start(t, "pull_request.fork")
	requireJob(t, "checked", result.Job("check"))
	// Again, with nothing changed.
	result, _ = f.start(t, "push.tag")
	requireJob(t, "published again", result.Job("publish"))
	require.Equal(t, said["digest"], result.Job("publish").Step("slipway").Outputs["digest"])
	require.Contains(t, result.Job("publish").Log(), "unchanged")
	require.Empty(t, result.Job("publish").Reach.Caches)
	// Checks start from what the default branch compiled.
	result, _ = f.start(t, "push.main")
	job = result.Job("publish")
	require.Equal(t, actions.Success, job.Conclusion, job.Log())
	require.Contains(t, job.Log(), "save cache")
	require.Len(t, job.Reach.Caches, 2)
	for _, cache := range job.Reach.Caches {
		require.True(t, strings.HasPrefix(cache, "refs/heads/main: slipway-"), cache)
	}
}

// requireReachesNothing wants nothing of the base repository in the reach of a job that
// runs a fork's code: no token that writes, no secret, no identity, no cache that it writes.
func requireReachesNothing(t *testing.T, job *actions.Job) {
	t.Helper()
	require.True(t, job.Reach.Fork)
	require.Equal(t, map[string]string{"contents": "read"}, job.Reach.Permissions)
	require.Empty(t, job.Reach.Env)
	require.Empty(t, job.Reach.Inputs)
	require.False(t, job.Reach.Persisted)
	require.False(t, job.Reach.IDToken)
	require.Empty(t, job.Reach.Caches)
}

// variables say the judges to a job that has no flags.
func (j *judges) variables() []string {
	vars := []string{"SLIPWAY_VULNDB=" + j.vulndb}
	for i := 0; i+1 < len(j.databases); i += 2 {
		name := strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(j.databases[i], "--"), "-", "_"))
		vars = append(vars, "SLIPWAY_"+name+"="+j.databases[i+1])
	}
	return vars
}

// clone is a fresh clone with one more ref fetched, as the one of a developer who looks
// into a pull request.
func clone(t *testing.T, src, ref string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, t.TempDir(), "clone", "--quiet", src, dir)
	git(t, dir, "fetch", "--quiet", "origin", ref)
	return dir
}

// receiptOf reads the receipt that a job left.
func receiptOf(t *testing.T, job *actions.Job) *receipt.Receipt {
	t.Helper()
	r := readReceipt(t, filepath.Join(job.Workspace, ".slipway"))
	require.NotNil(t, r, job.Log())
	return r
}
