package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// row is a line of the table: what two tools took for one change of one service.
type row struct {
	service, platforms, change string
	ours, theirs               []sample
	commands                   [2][]string
}

// sample is one run of a tool: how long it took, and how much of the processors.
type sample struct{ wall, cpu time.Duration }

// What changes between two builds.
const (
	oneLine = "one line"
	nothing = "nothing"
)

// measure makes the rows of a service: each kind of change for each set of platforms.
func (b *bench) measure(ctx context.Context, s *service, ours, theirs tool) ([]row, error) {
	env, err := b.conditions(ctx, s)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, platforms := range []string{"linux/amd64", "linux/amd64,linux/arm64"} {
		for _, change := range []string{oneLine, nothing} {
			r := row{service: s.name, platforms: platforms, change: change}
			fmt.Fprintf(b.stderr, "%s %s, %s changed\n", s.name, platforms, change)
			if err := b.turns(ctx, &r, s, env, [2]tool{ours, theirs}); err != nil {
				return nil, err
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// turns lets the tools build in turn; each makes its own change before its turn.
// The first two rounds fill the caches.
func (b *bench) turns(ctx context.Context, r *row, s *service, env []string, tools [2]tool) error {
	taken := [2][]sample{}
	for round := range 2 + b.runs {
		for turn := range tools {
			who := (round + turn) % 2
			if r.change == oneLine {
				if err := s.edit(); err != nil {
					return err
				}
			}
			took, args, err := b.once(ctx, tools[who], s, r.platforms, env)
			if err != nil {
				return err
			}
			r.commands[who] = args
			if round >= 2 {
				taken[who] = append(taken[who], took)
			}
		}
	}
	r.ours, r.theirs = taken[0], taken[1]
	return nil
}

// once is one measured build into an empty folder.
func (b *bench) once(ctx context.Context, t tool, s *service, platforms string, env []string) (sample, []string, error) {
	out := filepath.Join(b.temp, "out")
	if err := os.RemoveAll(out); err != nil {
		return sample{}, nil, err
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		return sample{}, nil, err
	}
	own, args := t.command(b, s, platforms, out)
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, slices.Concat(b.env, env, own), &said, &said
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return sample{}, nil, fmt.Errorf("running %q: %w: %s", args, err, bytes.TrimSpace(said.Bytes()))
	}
	return sample{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, append(own, args...), nil
}
