package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// tries is for how long the dagger command goes on trying to reach an engine.
const tries = time.Minute

// requireTrouble wants one sentence with a fix, exit code 40, and nothing written.
func requireTrouble(t *testing.T, r rig.Result, out, want string) {
	t.Helper()
	require.Equal(t, cli.ExitEngine, r.Code, "%s", r.Stderr)
	require.Contains(t, sentence(t, r), want)
	require.NoDirExists(t, out)
}

// An engine that cannot be reached is said to be so at once, not after the minute for
// which the dagger command goes on trying.
func TestEngineTrouble_WhereThereIsNoEngine(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	rig.Root(t)
	src := fixture(t)
	empty := t.TempDir()
	git, err := exec.LookPath("git")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(git, filepath.Join(empty, "git")))
	for name, c := range map[string]struct {
		args, env []string
		want      string
	}{
		"no engine and no runtime": {env: []string{"PATH=" + empty}, want: "there is no Dagger engine: none is named, none runs here, and no container runtime answers"},
		"no socket":                {args: []string{"--engine-host", "unix:///nowhere/engine.sock"}, want: "the Dagger engine at unix:///nowhere/engine.sock does not answer (connect: no such file or directory)"},
		"a refused connection":     {args: []string{"--engine-host", "tcp://127.0.0.1:1"}, want: "the Dagger engine at tcp://127.0.0.1:1 does not answer (connect: connection refused)"},
		"no way to a cluster":      {args: []string{"--engine-host", "kube-pod://engine"}, env: []string{"PATH=" + empty}, want: "is reached with kubectl, which is not on PATH"},
		"no machine":               {args: []string{"--engine-host", "ssh://127.0.0.1:1"}, want: "is not reached with ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
		"no dagger command":        {args: []string{"--engine-host", "docker-container://engine"}, env: []string{"_EXPERIMENTAL_DAGGER_CLI_BIN=/nowhere/dagger"}, want: "the dagger command /nowhere/dagger cannot be run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			args := append([]string{"build", "--engine", "dagger", "--src", src, "--base", "builtin", "--output", out}, c.args...)
			r := rig.Run(t, t.TempDir(), environment(t, append(c.env, "SLIPWAY_CACHE="+t.TempDir())...), slipway(t), args...)
			requireTrouble(t, r, out, c.want)
			require.Less(t, r.Took, tries)
		})
	}
}

// Trouble with an engine that runs: it dies during a build, its disk is full, it does
// not get the builder, a command of another release asks it.
func TestEngineTrouble_OfAnEngineThatRuns(t *testing.T) {
	rig.Slow(t)
	images := rig.NewStandins(t, "127.0.0.1")
	src := fixture(t)
	args := func(out string, more ...string) []string {
		return slices.Concat([]string{"build", "--engine", "dagger", "--src", src, "--base", "builtin", "--builder", images.Builder, "--output", out, "--platform", "linux/amd64"}, more)
	}
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "trouble", Args: images.Mirrors()})

	t.Run("the builder is not to be had", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "out")
		wrong := images.Builder[:strings.Index(images.Builder, "@")] + "@sha256:" + strings.Repeat("0", 64)
		r := rig.Run(t, "", append(e.Env, "SLIPWAY_CACHE="+t.TempDir()), slipway(t), args(out, "--builder", wrong)...)
		require.Equal(t, cli.ExitRegistry, r.Code, r.Stderr)
		require.Contains(t, sentence(t, r), "the Dagger engine did not get the builder image "+wrong)
		require.NoDirExists(t, out)
	})
	for what, told := range map[string]string{"lets nobody in": "Permission denied (publickey).", "has no program for us": "buildctl: command not found"} {
		t.Run("the way over ssh "+what, func(t *testing.T) {
			server := rig.NewSSH(t, "127.0.0.1", "/nowhere")
			key := server.Key
			if what == "lets nobody in" {
				key = rig.NewSSH(t, "127.0.0.1", "/nowhere").Key
			}
			out := filepath.Join(t.TempDir(), "out")
			env := slices.Concat(e.Env, overSSH(t, e, server, key), []string{"SLIPWAY_CACHE=" + t.TempDir()})
			r := rig.Run(t, "", env, slipway(t), args(out)...)
			requireTrouble(t, r, out, told)
			require.Less(t, r.Took, tries)
		})
	}
	t.Run("it dies during a build", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "out")
		cmd := exec.Command(slipway(t), args(out)...)
		cmd.Env = append(e.Env, "SLIPWAY_CACHE="+t.TempDir())
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		require.NoError(t, cmd.Start())
		pid := pidOf(t, rig.Run(t, "", environment(t), slipway(t), "engine", "status", "--name", e.Name))
		rig.Eventually(t, 3*time.Minute, "the compiler runs in the engine", func() bool { return compiling(pid) })
		process, err := os.FindProcess(pid)
		require.NoError(t, err)
		require.NoError(t, process.Kill())
		start := time.Now()
		_ = cmd.Wait()
		require.Less(t, time.Since(start), tries)
		r := rig.Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
		requireTrouble(t, r, out, "went away during the build")
		rig.Must(t, "", environment(t), slipway(t), append([]string{"engine", "up", "--name", e.Name}, images.Mirrors()...)...)
	})
	t.Run("its disk is full", func(t *testing.T) {
		name := "full"
		state := filepath.Join(cacheDir(t), "engine", "engines", fmt.Sprintf("e2e-%s-%d", name, os.Getpid()), "state")
		require.NoError(t, os.MkdirAll(state, 0o700))
		rig.Must(t, "", rig.Environ(), "mount", "-t", "tmpfs", "-o", "size=500m", "tmpfs", state)
		t.Cleanup(func() {
			rig.Run(t, "", rig.Environ(), "umount", "--lazy", state)
			require.NoError(t, os.RemoveAll(filepath.Dir(state)))
		})
		full := engines.Start(t, slipway(t), rig.EngineOptions{Name: name, Args: images.Mirrors()})
		out := filepath.Join(t.TempDir(), "out")
		r := rig.Run(t, "", append(full.Env, "SLIPWAY_CACHE="+t.TempDir()), slipway(t), args(out)...)
		requireTrouble(t, r, out, "is full: make room: ")
	})
}

// compiling tells whether a compiler runs below a process.
func compiling(ancestor int) bool {
	// The pattern is none that Glob refuses.
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	parents, compilers := map[string]string{}, []string(nil)
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		pid := filepath.Base(filepath.Dir(file))
		parents[pid] = statusField(string(text), "PPid")
		if name := statusField(string(text), "Name"); name == "compile" || name == "link" {
			compilers = append(compilers, pid)
		}
	}
	for _, pid := range compilers {
		for ; pid != "" && pid != "0"; pid = parents[pid] {
			if pid == fmt.Sprint(ancestor) {
				return true
			}
		}
	}
	return false
}

func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
