package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// execute runs a program until it ends. When the context ends first, the program gets
// SIGINT, later SIGTERM, and at last its whole group SIGKILL. As on GitHub the first two
// go to the program alone: a shell keeps them from what it runs, unless by exec.
// https://github.com/actions/runner/blob/main/src/Runner.Sdk/ProcessInvoker.cs
func execute(ctx context.Context, grace Grace, dir string, env, args []string, out *log) (int, error) {
	stdout, stderr := &stream{log: out}, &stream{log: out}
	path, err := lookPath(args[0], env)
	if err != nil {
		return 0, failure{err}
	}
	cmd := &exec.Cmd{Path: path, Args: args, Dir: dir, Env: env, Stdout: stdout, Stderr: stderr, WaitDelay: grace.Streams}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting %s: %w", path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = wait(ctx, grace, cmd.Process, ended)
	// What a step leaves running stays until its job ends, unless it was cancelled.
	if ctx.Err() != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	stdout.flush()
	stderr.flush()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal()), nil
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return 0, err
	}
	return 0, nil
}

// wait waits for the end, and hastens it when the context is done.
func wait(ctx context.Context, grace Grace, process *os.Process, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	for _, last := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{syscall.SIGINT, grace.Interrupt}, {syscall.SIGTERM, grace.Terminate}} {
		_ = process.Signal(last.signal)
		select {
		case err := <-ended:
			return err
		case <-time.After(last.limit):
		}
	}
	_ = syscall.Kill(-process.Pid, syscall.SIGKILL)
	return <-ended
}

// lookPath finds a program in the PATH of an environment that is not this process's.
func lookPath(name string, env []string) (string, error) {
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}

// endOrphans kills what carries a variable of a job, as the runner does at its end, and
// returns the names of these programs.
func endOrphans(variable string) []string {
	var names []string
	seen := map[int]bool{}
	// One that is about to start another can be missed once.
	for range 3 {
		environs, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			return names
		}
		for _, file := range environs {
			text, err := os.ReadFile(file)
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil || seen[pid] || !slices.ContainsFunc(bytes.Split(text, []byte{0}), func(kv []byte) bool { return string(kv) == variable }) {
				continue
			}
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
			seen[pid] = true
			names = append(names, strings.TrimSpace(string(name)))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return names
}
