package e2e_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// The main job: a fresh Debian machine that has only Go, a clean checkout, empty
// caches, one command. The image that it leaves is loaded and run.
func TestMachine_WithOnlyGoBuildsAnImageThatRuns(t *testing.T) {
	rig.Slow(t)
	m := rig.NewMachine(t)
	checkout(t, filepath.Join(m.Root, "work", "slipway"))
	require.NotZero(t, m.Run(t, "/work/slipway", "sh", "-c", "command -v git || command -v gcc || command -v docker").Code, "the machine has more than Go")
	// A mirror that nobody listens on stands for a network without registries.
	r := m.Run(t, "/work/slipway", "go", "run", "./ci", "build", "--mirror", "gcr.io=127.0.0.1:1")
	digestOf(t, r)
	t.Logf("from empty caches in %s, %s of processor time:\n%s", r.Took.Round(time.Second), r.CPU.Round(time.Second), r.Stderr)
	require.Contains(t, r.Stderr, "embedded base")
	require.Contains(t, r.Stderr, "git is not installed")
	require.Less(t, r.CPU/2, 120*time.Second, "two minutes of two processors")
	require.DirExists(t, filepath.Join(m.Root, "work", "slipway", ".slipway", "server.builtin"))

	again := m.Run(t, "/work/slipway", "go", "run", "./ci", "build", "--mirror", "gcr.io=127.0.0.1:1", "--tarball", "/work/server.tar")
	require.Equal(t, digestOf(t, r), digestOf(t, again))
	net, env := rig.Podman(t)
	loaded := net.Must(t, "", env, "podman", "load", "--input", filepath.Join(m.Root, "work", "server.tar"))
	_, image, _ := strings.Cut(loaded, "Loaded image: ")
	require.NotEmpty(t, image, loaded)
	said := net.Must(t, "", env, "podman", "run", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", strings.TrimSpace(image), "--version")
	require.Contains(t, said, "go1.26.9")
}

// checkout makes a clean checkout of this repository with the files as they are now.
func checkout(t *testing.T, dir string) {
	t.Helper()
	rig.Must(t, "", rig.Environ(), "git", "clone", "--quiet", "--no-hardlinks", "file://"+repository(t), dir)
	list := rig.Must(t, repository(t), rig.Environ(), "git", "ls-files", "-z", "--modified", "--others", "--exclude-standard")
	for file := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(repository(t), file))
		if err != nil {
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o644))
	}
}

// An unchanged rebuild with the built program is answered from what is there.
func TestBuild_UnchangedTakesHalfASecond(t *testing.T) {
	rig.Slow(t)
	src, out := fixture(t), t.TempDir()
	args := []string{"build", "--src", src, "--base", "builtin", "--builder", builder, "--output", out}
	digest := digestOf(t, rig.Run(t, "", environment(t), slipway(t), args...))
	requireWithin(t, 500*time.Millisecond, func() rig.Result {
		r := rig.Run(t, "", environment(t), slipway(t), args...)
		require.Equal(t, digest, digestOf(t, r))
		return r
	})
}

// requireWithin wants the best of several runs to take less than a time, as it would on
// this machine with nothing else to do.
func requireWithin(t *testing.T, limit time.Duration, run func() rig.Result) {
	t.Helper()
	best, plain := time.Hour, time.Hour
	for range 7 {
		before := rig.Stretch()
		r := run()
		stretch := min(before, rig.Stretch())
		best, plain = min(best, time.Duration(float64(r.Took)/stretch)), min(plain, r.Took)
	}
	t.Logf("best of 7: %s, %s with what else the machine does", best.Round(time.Millisecond), plain.Round(time.Millisecond))
	require.Less(t, best, limit)
}

// Ctrl-C in the middle of a build: its children end, nothing half-written stays,
// and the exit code says so.
func TestBuild_InterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for name, c := range map[string]struct {
		signal syscall.Signal
		code   int
	}{"interrupt": {syscall.SIGINT, 130}, "terminate": {syscall.SIGTERM, 143}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, cache := t.TempDir(), t.TempDir()
			cmd := exec.Command(slipway(t), "build", "--src", fixture(t), "--base", "builtin", "--builder", builder, "--verbose")
			cmd.Dir, cmd.Env = work, environment(t, "SLIPWAY_CACHE="+cache)
			// The compiler's children inherit the pipe: it ends when the last of them has.
			out, theirs, err := os.Pipe()
			require.NoError(t, err)
			t.Cleanup(func() { _ = out.Close() })
			cmd.Stderr = theirs
			require.NoError(t, cmd.Start())
			require.NoError(t, theirs.Close())
			said := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(out)
				said <- string(text)
			}()
			rig.Eventually(t, 2*time.Minute, "the compiler runs", func() bool {
				list, _ := os.ReadDir(filepath.Join(cache, "bin"))
				return len(list) > 0
			})
			time.Sleep(2 * time.Second)
			require.NoError(t, cmd.Process.Signal(c.signal))
			hangs := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
			require.Error(t, cmd.Wait())
			hangs.Stop()
			require.Equal(t, c.code, cmd.ProcessState.ExitCode())
			select {
			case text := <-said:
				require.Contains(t, text, "stopped by")
			case <-time.After(15 * time.Second):
				require.FailNow(t, "children outlive the command")
			}
			left, err := os.ReadDir(work)
			require.NoError(t, err)
			require.Empty(t, left)
			kept, err := filepath.Glob(filepath.Join(cache, "bin", "*"))
			require.NoError(t, err)
			require.Empty(t, kept)
			hidden, err := filepath.Glob(filepath.Join(cache, "bin", ".new-*"))
			require.NoError(t, err)
			require.Empty(t, hidden, "temporary folders are removed")
		})
	}
}
