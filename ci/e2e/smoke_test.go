package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// smokeOutcome is what an engine says. It travels between processes.
type smokeOutcome struct {
	Smoked engine.Smoked
	Kind   fault.Kind
	Error  string
	Detail []string
}

// smokeAll lets an engine try all images, a few at a time.
func smokeAll(ctx context.Context, e engine.Engine, trials []smokeTrial) []smokeOutcome {
	all := make([]smokeOutcome, len(trials))
	slots := make(chan struct{}, 4)
	var wait sync.WaitGroup
	for i, c := range trials {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			smoked, err := e.Smoke(ctx, c.Smoke, step.Silent{}.Start(""))
			all[i] = smokeOutcome{Smoked: smoked}
			if err != nil {
				all[i].Kind, all[i].Error = fault.KindOf(err), err.Error()
			}
			if told, ok := errors.AsType[*fault.Error](err); ok {
				all[i].Detail = told.Detail
			}
		})
	}
	wait.Wait()
	return all
}

// smokeInput is what the other process reads.
type smokeInput struct {
	Trials []smokeTrial
	Env    []string
	// Cancel ends all trials when the program of one of them runs that is told so.
	Cancel string
}

const smokeVariable = "SLIPWAY_TEST_SMOKE"

// TestSmoke_InAnotherProcess is no test by itself: tests below run it in a network of
// their own, which a process has as a whole.
func TestSmoke_InAnotherProcess(t *testing.T) {
	file := os.Getenv(smokeVariable)
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var in smokeInput
	require.NoError(t, json.Unmarshal(text, &in))
	ctx := t.Context()
	if in.Cancel != "" {
		late, cancel := until(ctx, in.Cancel)
		defer cancel()
		ctx = late
	}
	text, err = json.Marshal(smokeAll(ctx, local.New(local.Options{Env: in.Env, Cache: t.TempDir()}), in.Trials))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	left, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, file := range left {
		children, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, string(children), "processes are left")
	}
}

// until ends a context when a subject runs, in whatever container, that is told so.
func until(ctx context.Context, told string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for ctx.Err() == nil && !runs(told) {
			time.Sleep(50 * time.Millisecond)
		}
		cancel()
	}()
	return ctx, cancel
}

func runs(told string) bool {
	return exec.Command("pgrep", "--full", "^/app/subject .*"+told).Run() == nil
}

// quiet is the trial of a subject that does not listen for a minute. It is known by what
// it is told.
func quiet(trials []smokeTrial) (only smokeTrial, told string) {
	only, told = trials[slices.IndexFunc(trials, func(c smokeTrial) bool { return c.How == "does not listen" })], rand.Text()
	only.Smoke.Args, only.Smoke.Wait = append(slices.Clone(only.Smoke.Args), told), time.Minute
	return only, told
}

// smokeIn lets the local engine try all images in a network.
func smokeIn(t *testing.T, n *rig.Network, in smokeInput) []smokeOutcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "smoke.json")
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	n.Must(t, "", append(rig.Environ(), smokeVariable+"="+file), self, "-test.run=^TestSmoke_InAnotherProcess$")
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	var all []smokeOutcome
	require.NoError(t, json.Unmarshal(text, &all))
	return all
}

// requireSmoke compares what an engine says with what it has to say.
func requireSmoke(t *testing.T, trials []smokeTrial, all []smokeOutcome, how string) {
	t.Helper()
	require.Len(t, all, len(trials))
	for i, c := range trials {
		t.Run(fmt.Sprintf("%02d %s", i, c.How), func(t *testing.T) {
			got := all[i]
			if c.Fault == "" {
				require.Empty(t, got.Error, "%s", got.Detail)
				require.Equal(t, how, got.Smoked.How)
				// One that does not stop in time has a fault. Stopped includes the runtime's own
				// command, which takes seconds where the machine is busy.
				t.Logf("up after %s, stopped after %s", got.Smoked.Ready, got.Smoked.Stopped)
				return
			}
			require.Equal(t, fault.Gate, got.Kind, "%s %s", got.Error, got.Detail)
			require.True(t, strings.HasPrefix(got.Error, c.Fault), "%s", got.Error)
			if c.How == "takes memory" {
				require.Contains(t, got.Error, "took more than 512 MB of memory")
			}
			require.Contains(t, strings.Join(got.Detail, "\n"), c.Line)
		})
	}
}

// Real runtimes try images of a program that behaves and of ones that do not, and keep
// nothing of it.
func TestSmoke_InARealRuntime(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for name, start := range map[string]func(*testing.T) (*rig.Network, []string){"docker": rig.Docker, "podman": rig.Podman} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trials := smokePrepared(t)
			n, env := start(t)
			// Podman may not find a layer while another image with it is removed.
			shared := "localhost/slipway-smoke/shared:1"
			n.Must(t, "", env, name, "load", "--input", trials[1].Smoke.Archive)
			n.Must(t, "", env, name, "tag", trials[1].Smoke.Tag, shared)
			begun := time.Now()
			requireSmoke(t, trials, smokeIn(t, n, smokeInput{Trials: trials, Env: env}), "in "+name)
			t.Logf("%d trials took %s", len(trials), time.Since(begun).Round(time.Second))
			long, told := quiet(trials)
			cut := smokeIn(t, n, smokeInput{Trials: []smokeTrial{long}, Env: env, Cancel: told})
			require.Equal(t, context.Canceled.Error(), cut[0].Error)
			require.Empty(t, n.Must(t, "", env, name, "ps", "--all", "--quiet"))
			n.Must(t, "", env, name, "image", "rm", shared)
			require.Empty(t, n.Must(t, "", env, name, "images", "--quiet"))
			other := long.Smoke
			other.Platform = plan.Platform{OS: "linux", Arch: "riscv64"}
			require.Equal(t, fault.Unjudged, smokeIn(t, n, smokeInput{Trials: []smokeTrial{{Smoke: other}}, Env: env})[0].Kind)
		})
	}
}

// Without a runtime the program is tried by itself: the same is found, but for what only
// an image has.
func TestSmoke_WithoutARuntime(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	trials := slices.DeleteFunc(smokePrepared(t), func(c smokeTrial) bool { return c.Mode != 0 })
	n := rig.NewNetwork(t)
	n.Link(t)
	env := []string{"PATH=/nowhere"}
	how := "beside Slipway, because no container runtime answers: not in its image, with this machine's files and network"
	begun := time.Now()
	requireSmoke(t, trials, smokeIn(t, n, smokeInput{Trials: trials, Env: env}), how)
	t.Logf("%d trials took %s", len(trials), time.Since(begun).Round(time.Second))
	named := smokeIn(t, n, smokeInput{Trials: trials[:1], Env: append(env, "SLIPWAY_RUNTIME=docker")})
	require.Equal(t, fault.Unjudged, named[0].Kind, "a runtime that was named is not passed over")
}

// A Dagger engine tries them in containers of its own.
func requireSmokeInTheEngine(t *testing.T, l *lab) {
	trials := smokePrepared(t)
	pin, err := plan.ParsePin(l.images.Builder)
	require.NoError(t, err)
	e := dagger.New(dagger.Options{Env: l.engine.Env, Cache: t.TempDir(), Where: dagger.Where{Host: l.engine.Address}})
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	src := t.TempDir()
	_, err = e.Prepare(t.Context(), engine.Source{Root: src, TreeRoot: src}, engine.Builder{Image: pin}, step.Silent{}.Start(""))
	require.NoError(t, err)
	begun := time.Now()
	first := smokeAll(t.Context(), e, trials[:1])
	t.Logf("the first trial took %s", time.Since(begun).Round(time.Second))
	begun = time.Now()
	all := append(first, smokeAll(t.Context(), e, trials[1:])...)
	t.Logf("%d trials took %s", len(trials)-1, time.Since(begun).Round(time.Second))
	requireSmoke(t, trials, all, "in a container of the Dagger engine: no limit of processes, root not mounted read-only but nothing may be written")
	other := trials[0].Smoke
	other.Platform = plan.Platform{OS: "linux", Arch: "riscv64"}
	require.Equal(t, fault.Unjudged, smokeAll(t.Context(), e, []smokeTrial{{Smoke: other}})[0].Kind)
	long, told := quiet(trials)
	ctx, cancel := until(t.Context(), told)
	defer cancel()
	require.Equal(t, context.Canceled.Error(), smokeAll(ctx, e, []smokeTrial{long})[0].Error)
	rig.Eventually(t, 50*time.Second, "no program is left in the engine", func() bool { return !runs(told) })
}
