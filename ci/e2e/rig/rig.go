// Package rig starts the real parts that end-to-end tests run against: registries,
// container runtimes and bare machines. What it starts, it stops and removes, also
// when a test fails.
package rig

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Need skips a test that lacks a part of the machine. SLIPWAY_E2E=require, which CI
// sets, makes that a failure.
func Need(t *testing.T, ok bool, format string, args ...any) {
	t.Helper()
	if ok {
		return
	}
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("SLIPWAY_E2E") == "require" {
		t.Fatalf("SLIPWAY_E2E=require, and this cannot run: %s", reason)
	}
	t.Skip(reason)
}

// Slow skips under -short.
func Slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
}

// Program needs a program on PATH, installed by a Debian package.
func Program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		// Debian keeps daemons where only root's PATH looks.
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	Need(t, err == nil, "%s is missing: apt-get install %s", name, debian)
	return path
}

// Root needs the test to run as root.
func Root(t *testing.T) {
	t.Helper()
	Need(t, os.Geteuid() == 0, "this needs root")
}

// Daemon starts a program in the background and stops it when the test ends. Its
// output is shown when the test failed.
func Daemon(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, env
	require.NoError(t, launch(cmd))
	t.Cleanup(func() {
		stop(cmd)
		if t.Failed() {
			text := out.String()
			t.Logf("output of %s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
	return cmd
}

// launch starts a daemon that ends with this process. The kernel takes the thread that
// started it for its parent, and Go ends a thread whenever it likes, so the daemon has a
// thread that stays as long as itself.
func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			// WNOWAIT leaves the exit status to whoever waits for the daemon.
			for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
			}
		}
	}()
	return <-started
}

// stop ends a daemon and everything in its process group, and waits for it.
func stop(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-done
}

// Eventually waits until ok, at most limit.
func Eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
	}
	require.FailNow(t, "not within "+limit.String()+": "+what)
}

// FreePort finds a port of the loopback address that nobody listens on.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// Result is what a program did.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
	// CPU is the time that it and its children spent on processors. Unlike Took it
	// hardly depends on what else the machine does.
	CPU time.Duration
	// Peak is the most memory that the program itself had at one time, in bytes.
	Peak int64
}

// Run runs a program to its end.
func Run(t *testing.T, dir string, env []string, name string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	start := time.Now()
	require.NoError(t, cmd.Start())
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	_ = cmd.Wait() // what became of it is in its state
	took := time.Since(start)
	close(ended)
	return Result{
		Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(), Took: took,
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Peak: <-peak,
	}
}

// watch returns the most memory that a process had when it was last looked at. What wait
// tells counts its children too, and a linker is large.
func watch(pid int, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, _ := strings.Cut(string(status), "\nVmHWM:")
		line, _, _ := strings.Cut(after, "\n")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
		peak = max(peak, kb<<10)
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}

// Must runs a program that has to succeed and returns its standard output.
func Must(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	r := Run(t, dir, env, name, args...)
	require.Zero(t, r.Code, "%s %s:\n%s%s", name, strings.Join(args, " "), r.Stdout, r.Stderr)
	return strings.TrimSpace(r.Stdout)
}

// GoBuild builds a program of this repository with the Go of the test.
func GoBuild(output, pkg string, flags ...string) error {
	args := slices.Concat([]string{"build", "-o", output}, flags, []string{pkg})
	text, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("building %s: %w: %s", pkg, err, text)
	}
	return nil
}

// Environ is the environment for programs under test. What a developer has set for
// their own go command or Dagger engine is not part of it; Slipway builds with the
// local engine unless a test says another.
func Environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return slices.ContainsFunc([]string{"GOFLAGS=", "DAGGER_", "_EXPERIMENTAL_DAGGER_"}, func(own string) bool { return strings.HasPrefix(kv, own) })
	})
	return append(env, "SLIPWAY_ENGINE=local")
}
