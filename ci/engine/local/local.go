// Package local is the engine that needs Go and nothing else: it builds on this
// machine with the pinned Go release, taken as the golang.org/toolchain module, in
// an environment where nothing of the surroundings shows through.
package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
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
	user  environ

	// What Prepare found.
	src       engine.Source
	toolchain engine.Toolchain
	root      string // the toolchain's GOROOT
	modules   string // the module cache
	base      []string
}

var _ engine.Engine = (*Engine)(nil)

// New returns an engine; it does nothing until Prepare is called.
func New(o Options) *Engine {
	return &Engine{cache: o.Cache, user: parseEnviron(o.Env)}
}

// Name is local.
func (e *Engine) Name() string { return "local" }

// Prepare finds the host's go command, refuses what its settings would smuggle
// into a build and what would hang it, and readies the pinned release.
func (e *Engine) Prepare(ctx context.Context, src engine.Source, release string, s step.Step) (engine.Toolchain, error) {
	host, err := e.findGo()
	if err != nil {
		return engine.Toolchain{}, err
	}
	settings, err := e.hostSettings(ctx, host)
	if err != nil {
		return engine.Toolchain{}, err
	}
	if err := refuseFlags(settings["GOFLAGS"]); err != nil {
		return engine.Toolchain{}, err
	}
	if err := refuseIrregular(ctx, src.ModuleFolders); err != nil {
		return engine.Toolchain{}, err
	}
	env := e.scrub(src, settings)
	chain, root, err := e.fetch(ctx, host, release, settings["GOMODCACHE"], env, s)
	if err != nil {
		return engine.Toolchain{}, err
	}
	e.src, e.toolchain, e.root, e.modules = src, chain, root, filepath.Clean(settings["GOMODCACHE"])
	e.base = slices.Concat(env, []string{"GOROOT=" + root, "PATH=" + filepath.Join(root, "bin") + string(os.PathListSeparator) + e.user["PATH"]})
	return chain, nil
}

// findGo looks for go on the user's PATH.
func (e *Engine) findGo() (string, error) {
	if name, ok := lookup("go", filepath.SplitList(e.user["PATH"])); ok {
		return name, nil
	}
	return "", fault.New(fault.Engine, "the local engine found no go command on PATH").
		WithFix("install Go 1.21 or newer")
}

// mod is the -mod flag, always explicit.
func (e *Engine) mod() string {
	if e.src.Vendor {
		return "-mod=vendor"
	}
	return "-mod=readonly"
}

// goCommand returns the pinned release's go command in the source folder.
func (e *Engine) goCommand(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := command(ctx, filepath.Join(e.root, "bin", "go"+exeSuffix), args...)
	cmd.Dir = e.src.Root
	cmd.Env = slices.Concat(e.base, env)
	return cmd
}

// flags are the flags that decide a binary, the same for list and build.
func (e *Engine) flags(t engine.Target) []string {
	flags := []string{e.mod(), "-buildvcs=false", "-trimpath", "-pgo=auto"}
	if len(t.Build.Tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(t.Build.Tags, ","))
	}
	return flags
}

func folders(t engine.Target) []string {
	var dirs []string
	for _, m := range t.Mains {
		dirs = append(dirs, m.Dir)
	}
	return dirs
}

func (e *Engine) target(t engine.Target) []string {
	return append(t.Platform.GoEnv(), "CGO_ENABLED=0")
}

func (e *Engine) folder(name ...string) (string, error) {
	dir := filepath.Join(append([]string{e.cache}, name...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder %s: %w", dir, err)
	}
	return dir, nil
}
