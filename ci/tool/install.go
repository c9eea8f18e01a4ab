package tool

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Release is the Go release that builds tools: the one that Slipway pins as its builder.
const Release = "go1.26.9"

// Options say where tools are built and kept.
type Options struct {
	// Env is the environment of the user, as os.Environ gives it. It says where
	// modules come from.
	Env []string
	// Cache is the folder for what is kept between runs.
	Cache string
	// Release is the Go release that builds, if it is not Release.
	Release string
}

func (o Options) getenv(name string) string { return process.Getenv(o.Env, name) }

// Installed returns the program where an earlier Install left it.
func (t Tool) Installed(o Options) (program string, ok bool) {
	program = filepath.Join(t.folder(o), process.Exe(t.Name))
	info, err := os.Stat(program)
	return program, err == nil && info.Mode().IsRegular()
}

// Install returns the program, which it builds where that was not done before. The
// first build of Trivy takes minutes. Errors are *fault.Error of kind Unjudged where
// it cannot be built.
func (t Tool) Install(ctx context.Context, o Options, s step.Step) (string, error) {
	program, ok := t.Installed(o)
	if ok {
		return program, nil
	}
	folder := t.folder(o)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("making the folder for tools: %w", err)
	}
	// Whoever builds at the same time waits, and then finds it there.
	unlock, err := lockedfile.MutexAt(folder + ".lock").Lock()
	if err != nil {
		return "", fmt.Errorf("locking the folder for tools: %w", err)
	}
	defer unlock()
	if _, ok := t.Installed(o); ok {
		return program, nil
	}
	half, err := os.MkdirTemp(filepath.Dir(folder), ".new-*")
	if err != nil {
		return "", fmt.Errorf("making a folder for %s: %w", t.Name, err)
	}
	defer os.RemoveAll(half)
	built := filepath.Join(half, "built")
	if err := os.Mkdir(built, 0o755); err != nil {
		return "", fmt.Errorf("making a folder for %s: %w", t.Name, err)
	}
	if err := t.build(ctx, o, half, filepath.Join(built, process.Exe(t.Name)), s); err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(folder), os.Rename(built, folder)); err != nil {
		return "", fmt.Errorf("keeping %s: %w", t.Name, err)
	}
	return program, nil
}

// folder is the program's own. Its name has all that decides the program.
func (t Tool) folder(o Options) string {
	text := slices.Concat([]string{t.mod, t.sum}, t.settings(o), t.BuildArgs(""))
	for _, name := range slices.Sorted(maps.Keys(t.source)) {
		text = append(text, t.source[name])
	}
	key := sha256.Sum256([]byte(strings.Join(text, "\x00")))
	return filepath.Join(o.Cache, "tools", fmt.Sprintf("%s-%s-%x", t.Name, t.Version, key[:4]))
}

// settings are those of the go command that decide the program. Where modules come
// from stays the user's.
func (t Tool) settings(o Options) []string {
	// An empty variable would let the file of go env -w speak.
	return append([]string{
		"GOTOOLCHAIN=" + cmp.Or(o.Release, Release), "GOFLAGS=-mod=readonly", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	}, t.Env...)
}

// build writes the module into a folder and its program to a file.
func (t Tool) build(ctx context.Context, o Options, dir, out string, s step.Step) error {
	program, ok := process.Find("go", o.getenv("PATH"))
	if !ok {
		return fault.New(fault.Unjudged, "there is no go command on PATH to build %s with", t.Name).WithFix("install Go 1.21 or newer")
	}
	for name, text := range t.Files() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the module of %s: %w", t.Name, err)
		}
	}
	args := t.BuildArgs(out)
	s.Log("go " + strings.Join(args, " "))
	cmd := process.Command(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, slices.Concat(o.Env, process.Compiling(o.getenv), t.settings(o))
	said := &lines{log: s.Log}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	said.flush()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fault.New(fault.Unjudged, "building %s %s: %v", t.Name, t.Version, err).WithDetail(said.last...).
			WithFix("check GOPROXY and the network; the go command's lines say what it lacks").WithCause(err)
	}
	return nil
}
