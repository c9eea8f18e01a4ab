package e2e_test

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/e2e/rig/actions"
)

// mishap is something that fails in a job.
type mishap struct {
	// files are what is wrong in the source, said what the workflow says.
	files map[string]string
	said  []string
	// again are arguments of reproduce for what belongs to a machine.
	again []string
	code  int
	// file, line and says are those of an annotation. Some failures have no place.
	file, line, says string
	// verdict is what the summary says, and reproduced what reproduce says.
	verdict, reproduced string
	// event starts job, the default is a pull request's check.
	event, job string
	// refused is what the registry refuses, where an event publishes: nothing is all.
	refused []rig.Kind
	// zip is where the artifact leads to the run, and not the token.
	zip bool
	// during happens beside the job.
	during func(context.Context)
}

func (b *both) mishaps() map[string]mishap {
	const test = "package main\n\nimport \"testing\"\n\n"
	return map[string]mishap{
		"a compile error": {
			files: map[string]string{"start.go": "package main\n\nfunc start() {\n\tweigh()\n}\n"}, code: 10, zip: true,
			// Of two platforms, either may be the first to fail.
			said: []string{"SLIPWAY_PLATFORM=linux/amd64"},
			file: "start.go", line: "4", says: "undefined: weigh", verdict: "failed", reproduced: "the same error of the compiler: start.go:4:2: undefined: weigh",
		},
		"a vet error": {
			files: map[string]string{"start_test.go": "package main\n\nimport \"fmt\"\n\nfunc wrong() { fmt.Printf(\"%d\", \"x\") }\n"}, code: 11,
			file: "start_test.go", line: "5", says: "%d", verdict: "failed", reproduced: "the same complaint of go vet",
		},
		"a failing test": {
			files: map[string]string{"start_test.go": test + "func TestStart(t *testing.T) {\n\tt.Error(\"adrift\")\n}\n"}, code: 11,
			file: "start_test.go", line: "6", says: "adrift", verdict: "failed", reproduced: "the same test fails",
		},
		"a flaky test": {
			files: map[string]string{"start_test.go": test + "var tide string\n\nfunc TestFirst(*testing.T) { tide = \"high\" }\n\nfunc TestSecond(t *testing.T) {\n\tif tide == \"high\" {\n\t\tt.Error(\"no water\")\n\t}\n}\n"},
			said:  []string{"SLIPWAY_RERUN_FAILED=2"}, code: 11, file: "start_test.go", line: "11", says: "flaky", verdict: "failed", reproduced: "the same test is flaky",
		},
		"a vulnerable module": {
			files: map[string]string{
				"start.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc start() { language.ParseAcceptLanguage(\"en\") }\n",
				"go.mod":   harbour["go.mod"] + "\nrequire golang.org/x/text v0.3.7\n", "go.sum": textSums,
			},
			again: b.judges.args(), code: 20, file: "go.mod", line: "1", says: "CVE-2022-32149", verdict: "failed", reproduced: "the same finding fails: CVE-2022-32149",
		},
		"an image that is too large": {
			said: []string{"SLIPWAY_BUDGET=1MB"}, code: 20, says: "1.0 MB", verdict: "failed", reproduced: "the image is too large",
		},
		"an image that is another one each time": {
			files: with(changing, map[string]string{".slipway.yaml": harbour[".slipway.yaml"] + "pre-build: [[sh, -c, 'cat /proc/sys/kernel/random/uuid > now.txt']]\n"}),
			said:  []string{"SLIPWAY_TWICE=true", "SLIPWAY_ALLOW_EXEC=true"}, again: []string{"--allow-exec"},
			code: 20, says: "another one when it is built again", verdict: "failed", reproduced: "the gate reproducible",
		},
		// What publishes is built again without any cache.
		"a registry that refuses": {
			files: light, said: []string{"SLIPWAY_SIGN=off", "SLIPWAY_GATE=image"}, code: 30, event: "push.tag", job: "publish",
			refused: []rig.Kind{rig.ManifestPut}, says: "DENIED", verdict: "unpublished", reproduced: "same digest",
		},
	}
}

// What fails in a job fails on a laptop, in a fresh clone, on the other engine; the
// receipt, the artifact and the short token all lead there.
func requireReplays(t *testing.T, l *lab) {
	b := &both{lab: l, judges: newJudges(t, time.Now().Add(-time.Hour))}
	b.judges.databases = append(b.judges.databases, "--scanner", b.images.Scanner(t))
	for name, m := range b.mishaps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, forge, what := b.fails(t, name, m)
			got := receiptOf(t, job)
			require.Equal(t, m.code, got.Failure.Exit)
			clone := clone(t, forge.Source, got.Source.Commit)
			if !m.zip {
				what = got.Run.Replay
			}
			require.NotEmpty(t, what)
			// The builder of the tests has another digest than the pinned one, so it is said.
			args := slices.Concat([]string{"reproduce", "--engine", "dagger", "--src", clone}, l.images.Mirrors(), m.again, []string{what})
			env := append(slices.Clone(l.engine.Env), "SLIPWAY_CACHE="+cacheDir(t))
			r := rig.Run(t, "", env, slipway(t), args...)
			require.Zero(t, r.Code, "%s%s", r.Stdout, r.Stderr)
			first, _, _ := strings.Cut(r.Stdout, "\n")
			require.Contains(t, first, "reproduced: ", r.Stdout)
			require.Contains(t, r.Stdout, m.reproduced)
			require.Contains(t, r.Stdout, "Dagger engine")
			require.Empty(t, git(t, clone, "status", "--porcelain"))
		})
	}
	for name, m := range b.blamed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.requireBlamed(t, name, m(t))
		})
	}
}

// fails runs the job of a mishap, and requires what a person sees of it.
func (b *both) fails(t *testing.T, name string, m mishap) (job *actions.Job, f *forge, zip string) {
	t.Helper()
	src := write(t, "harbour", moored(t, m.files))
	event, id, target := "pull_request.branch", "check", nowhere
	if m.event != "" {
		event, id, target = m.event, m.job, refusing(t, m.refused...)
	}
	f = newForge(t, src, target, m.said, slices.Concat(b.variables(), b.judges.variables())...).noDocker(t)
	if m.during != nil {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go m.during(ctx)
	}
	result, _ := f.start(t, event)
	job = result.Job(id)
	require.Equal(t, actions.Failure, job.Conclusion, job.Log())
	step := job.Step("slipway")
	require.Equal(t, m.code, step.Code, job.Log())
	require.Empty(t, job.Violations())
	require.Contains(t, step.Summary, m.verdict)
	require.Contains(t, step.Summary, "slipway reproduce "+step.Outputs["replay"])
	require.True(t, slices.ContainsFunc(annotations(job), func(a actions.Annotation) bool {
		return a.File == m.file && a.Line == m.line && strings.Contains(a.Title+" "+a.Message, m.says)
	}), "%+v", annotations(job))
	requireJob(t, name, job)
	artifact := result.Artifact("slipway")
	require.NotNil(t, artifact, "the report is there whatever became of the run")
	return job, f, artifact.File
}

// annotations are those of all steps: GitHub counts those of an action to its caller.
func annotations(job *actions.Job) []actions.Annotation {
	var all []actions.Annotation
	for _, step := range job.All() {
		all = append(all, step.Annotations...)
	}
	return all
}

// variables say the stand-ins of the lab to a job.
func (l *lab) variables() []string {
	vars := []string{"SLIPWAY_BUILDER=" + l.images.Builder, "SLIPWAY_BASE=" + l.images.Base}
	var mirrors []string
	for i, arg := range l.images.Mirrors() {
		if i%2 == 1 {
			mirrors = append(mirrors, arg)
		}
	}
	return append(vars, "SLIPWAY_MIRROR="+strings.Join(mirrors, ","))
}

// refusing is a repository in a registry that refuses requests of some kinds, or all that
// write.
func refusing(t *testing.T, kinds ...rig.Kind) string {
	t.Helper()
	h := kindOf(t, "docker-registry").open(t)
	h.Proxy.Between(rig.Refusing(kinds...))
	return h.repository("tide")
}

// requireBlamed wants what reproduces a run that something else than the source ended to
// say what that was, and to repeat all that the source decides.
func (b *both) requireBlamed(t *testing.T, name string, m mishap) {
	t.Helper()
	m.said = append(m.said, "SLIPWAY_GATE=image", "SLIPWAY_SIGN=off")
	job, f, _ := b.fails(t, name, m)
	got := receiptOf(t, job)
	clone := clone(t, f.Source, got.Source.Commit)
	file := filepath.Join(job.Workspace, ".slipway", "report", "receipt.json")
	for because, what := range map[string]string{"": got.Run.Replay, ": " + got.Failure.What: file} {
		r := rig.Run(t, "", environment(t), slipway(t), slices.Concat([]string{"reproduce", "--engine", "local", "--src", clone}, b.images.Mirrors(), []string{what})...)
		require.Zero(t, r.Code, "%s%s", r.Stdout, r.Stderr)
		require.Regexp(t, "^reproduced but for the "+m.reproduced+regexp.QuoteMeta(because)+"; here the same source gives sha256:[0-9a-f]{64} on the local engine, so it was not the source", unwrapped(r.Stdout))
	}
}

// blamed are runs that something else than the source ended.
func (b *both) blamed() map[string]func(*testing.T) mishap {
	const engine = "engine: it broke down there"
	return map[string]func(*testing.T) mishap{
		"an engine that is not there": func(*testing.T) mishap {
			return mishap{
				said: []string{"SLIPWAY_ENGINE=dagger", "SLIPWAY_PLATFORM=linux/amd64", "SLIPWAY_ENGINE_HOST=unix:///nowhere/engine.sock"},
				code: 40, says: "engine", verdict: "stopped", reproduced: engine,
			}
		},
		"an engine that is killed": func(t *testing.T) mishap {
			e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "killed", Args: b.images.Mirrors()})
			pid := pidOf(t, rig.Run(t, "", environment(t), slipway(t), "engine", "status", "--name", e.Name))
			return mishap{
				said: []string{"SLIPWAY_ENGINE=dagger", "SLIPWAY_PLATFORM=linux/amd64", "SLIPWAY_ENGINE_HOST=" + e.Address, "_EXPERIMENTAL_DAGGER_CLI_BIN=" + e.Dagger},
				code: 40, says: "went away during the build", verdict: "stopped", reproduced: engine, during: killing(pid),
			}
		},
		"a registry that lets nobody push": func(*testing.T) mishap {
			return mishap{
				files: light, said: []string{"SLIPWAY_PLATFORM=linux/amd64"}, event: "push.tag", job: "publish", code: 30, says: "DENIED", verdict: "stopped",
				reproduced: "registry: it ended the run there before anything was built",
			}
		},
	}
}

// killing kills an engine while a compiler runs in it.
func killing(pid int) func(context.Context) {
	return func(ctx context.Context) {
		for !compiling(pid) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// unwrapped is a text in one line.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }
