package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// command is a program with its arguments, and what its environment has in addition.
type command struct {
	args, env []string
	// own is Slipway's own process, whose memory counts.
	own bool
}

// alone is a step of one command.
func alone(c command) []command { return []command{c} }

// failure is a program that failed.
type failure struct {
	args []string
	said []byte
	err  error
}

func (f *failure) Error() string {
	return fmt.Sprintf("running %q: %v: %s", f.args, f.err, tail(f.said))
}
func (f *failure) Unwrap() error { return f.err }

// last is the line that says why, as far as one can tell.
func (f *failure) last() string {
	lines := strings.Split(strings.TrimSpace(string(f.said)), "\n")
	for _, l := range lines {
		if strings.Contains(strings.ToLower(l), "error:") {
			lines = []string{l}
			break
		}
	}
	line := strings.NewReplacer("|", "/", "`", "'", "<", "(", ">", ")").Replace(lines[len(lines)-1])
	return line[:min(len(line), 160)]
}

// steps runs commands and measures them together.
func (b *bench) steps(ctx context.Context, dir string, steps [][]command) (sample, error) {
	var total sample
	var mu sync.Mutex
	start := time.Now()
	for _, together := range steps {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(2 * runtime.NumCPU())
		for _, c := range together {
			group.Go(func() error {
				one, err := b.program(ctx, dir, c)
				mu.Lock()
				defer mu.Unlock()
				total.CPU += one.CPU
				total.Peak = max(total.Peak, one.Peak)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return total, err
		}
	}
	total.Wall = time.Since(start).Seconds()
	return total, nil
}

// do runs commands without measuring.
func (b *bench) do(ctx context.Context, dir string, steps [][]command) error {
	_, err := b.steps(ctx, dir, steps)
	return err
}

// program runs one command.
func (b *bench) program(ctx context.Context, dir string, c command) (sample, error) {
	if !exists(dir) {
		dir = b.temp // a clone is made by the first step
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, slices.Concat(b.env, b.pinned, c.env), &said, &said
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	peak := func() int64 { return 0 }
	if c.own {
		peak = watch(cmd.Process.Pid)
	}
	err := cmd.Wait()
	if err != nil {
		err = &failure{c.args, said.Bytes(), err}
	}
	return sample{CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Peak: peak()}, err
}
