// Package local is the engine that needs Go and nothing else: it builds on this
// machine with the pinned Go release, taken as the golang.org/toolchain module, in
// an environment where nothing of the surroundings shows through.
package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Options are what the engine takes from its surroundings.
type Options struct {
	// Env is the environment of the user, as os.Environ gives it.
	Env []string
	// Cache is the folder for what is kept between runs.
	Cache string
}

// Engine builds with the Go toolchain on this machine.
type Engine struct {
	cache string
	// kept is the cache of the programs that judge, also for a build that uses no other's.
	kept string
	user environ

	// modules are the one of UseModules before the user's.
	modules gocmd.Modules

	// What Prepare found.
	root      string // the toolchain's GOROOT
	version   string // of the host's go command
	base      []string
	goCommand gocmd.Go
}

var _ engine.Engine = (*Engine)(nil)

// New returns an engine; it does nothing until Prepare is called.
func New(o Options) *Engine {
	return &Engine{cache: o.Cache, kept: o.Cache, user: parseEnviron(o.Env)}
}

// Name is local.
func (e *Engine) Name() string { return "local" }

// Version is that of the host's go command.
func (e *Engine) Version() string { return e.version }

// Environment is that of a build, with the pinned release on its PATH, once Prepare has
// returned.
func (e *Engine) Environment() []string { return slices.Clone(e.base) }

// Close has nothing to end.
func (e *Engine) Close() error { return nil }

// Prepare finds the host's go command, refuses what its settings would smuggle
// into a build and what would hang it, and readies the pinned release.
func (e *Engine) Prepare(ctx context.Context, src engine.Source, b engine.Builder, s step.Step) (engine.Toolchain, error) {
	if b.Fresh != "" {
		e.cache = b.Fresh
	}
	host, err := e.findGo()
	if err != nil {
		return engine.Toolchain{}, err
	}
	settings, err := e.hostSettings(ctx, host)
	if err != nil {
		return engine.Toolchain{}, err
	}
	e.version = settings["GOVERSION"]
	delete(settings, "GOVERSION") // the others are settings of a build too
	if err := refuseFlags(settings["GOFLAGS"]); err != nil {
		return engine.Toolchain{}, err
	}
	if err := gocmd.RefuseIrregular(ctx, src.ModuleFolders); err != nil {
		return engine.Toolchain{}, err
	}
	env := e.scrub(src, settings)
	chain, root, err := e.fetch(ctx, host, b.Release, settings["GOMODCACHE"], env, s)
	if err != nil {
		return engine.Toolchain{}, err
	}
	e.root = root
	e.goCommand = gocmd.Go{
		Source: src, Release: b.Release, Tree: src.TreeRoot, Modules: filepath.Clean(settings["GOMODCACHE"]), Run: e.run, Copy: modules,
	}
	e.base = slices.Concat(env, []string{"GOROOT=" + root, "PATH=" + filepath.Join(root, "bin") + string(os.PathListSeparator) + e.user["PATH"]})
	return chain, nil
}

// findGo looks for go on the user's PATH.
func (e *Engine) findGo() (string, error) {
	if name, ok := process.Find("go", e.user["PATH"]); ok {
		return name, nil
	}
	return "", fault.New(fault.Engine, "the local engine found no go command on PATH").
		WithFix("install Go 1.21 or newer")
}

// run runs the pinned release's go command in the source folder, in a build's
// environment with env on top.
func (e *Engine) run(ctx context.Context, env, args []string) (gocmd.Output, error) {
	return e.runIn(ctx, slices.Concat(e.base, env), args)
}

func (e *Engine) runIn(ctx context.Context, env, args []string) (gocmd.Output, error) {
	cmd := process.Command(ctx, filepath.Join(e.root, "bin", process.Exe("go")), args...)
	cmd.Dir = e.goCommand.Source.Root
	cmd.Env = slices.Concat(env, e.compiling())
	var stdout bytes.Buffer
	stderr := &gocmd.Bounded{}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return gocmd.Output{}, ctx.Err()
	}
	if err != nil {
		if err := full(e.Objects()); err != nil {
			return gocmd.Output{}, fmt.Errorf("keeping what is compiled: %w", err)
		}
	}
	return gocmd.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Err: err}, nil
}

// full is an error where a folder's disk takes nothing more. The go command does not always
// say so: of a package whose files are new it says that there is none.
func full(dir string) error {
	probe, err := os.CreateTemp(dir, "probe-*")
	if err == nil {
		defer os.Remove(probe.Name())
		_, err = probe.Write(make([]byte, 4096))
		err = errors.Join(err, probe.Close())
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return nil
}

// compiling are the variables of a go command that compiles.
func (e *Engine) compiling() []string {
	return process.Compiling(func(name string) string { return e.user[name] })
}

// modules reads files of the module cache.
func modules(_ context.Context, names []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil {
			files[filepath.Base(name)] = text
		}
	}
	return files, nil
}

func (e *Engine) folder(name ...string) (string, error) {
	dir := filepath.Join(append([]string{e.cache}, name...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder %s: %w", dir, err)
	}
	return dir, nil
}
