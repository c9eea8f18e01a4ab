package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of this program.
type bench struct {
	env []string
	// pinned puts the pinned release first on PATH, where no tool's go command has to
	// switch to it.
	pinned []string
	// gocmd is its go command.
	gocmd  string
	stderr io.Writer
	// root is this repository, temp is removed at the end.
	root, temp string
	// command is what was typed.
	command        string
	runs, slowRuns int
	slow           time.Duration
	// more goes on with what is kept.
	more   bool
	net    *loopback
	engine *daggerEngine
	tools  []tool
	// saved are the pairs of tool and service whose caches are saved.
	saved map[string]bool
}

// environ is without what a developer has set for their own go command or engine.
func environ(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool {
		return slices.ContainsFunc([]string{"GOFLAGS=", "DAGGER_", "_EXPERIMENTAL_DAGGER_", "SLIPWAY_"}, func(own string) bool { return strings.HasPrefix(kv, own) })
	})
}

// measure measures scenarios of services.
func (b *bench) measure(ctx context.Context, services, names, tools []string, results string) (err error) {
	if b.temp, err = os.MkdirTemp("", "slipway-bench-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, forget(b.temp)) }()
	b.saved = map[string]bool{}
	if b.net, err = b.newLoopback(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.net.stop()) }()
	if b.pinned, err = b.conditions(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stopTools()) }()
	if err := b.startTools(ctx, tools); err != nil {
		return err
	}
	for _, service := range services {
		s, err := b.service(ctx, service)
		if err != nil {
			return err
		}
		for _, sc := range scenarios() {
			if !slices.Contains(names, sc.name) || s.monorepo() != (sc.name == monorepo().name) {
				continue
			}
			if err := b.record(ctx, sc, s, results); err != nil {
				return err
			}
		}
	}
	return nil
}

// release is the Go release of the builder.
func (b *bench) release() string {
	release, _, _ := strings.Cut(b.net.images.Builder.Tag, "-")
	return release
}

// conditions are the environment of every tool.
func (b *bench) conditions(ctx context.Context) ([]string, error) {
	root, err := b.output(ctx, b.temp, []string{"GOTOOLCHAIN=go" + b.release()}, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "bin")
	b.gocmd = filepath.Join(path, "go")
	for _, kv := range b.env {
		if rest, ok := strings.CutPrefix(kv, "PATH="); ok {
			path += string(os.PathListSeparator) + rest
		}
	}
	return []string{"PATH=" + path, "GOTOOLCHAIN=local"}, nil
}

// say is progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// output runs a program that is not measured and returns what it printed.
func (b *bench) output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, slices.Concat(b.env, env), &stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, tail(stderr.Bytes()))
	}
	return strings.TrimSpace(string(text)), nil
}

// tail is the end of what a program said.
func tail(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[max(0, len(text)-1500):]
}
