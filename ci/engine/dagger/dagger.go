// Package dagger is the engine that builds in containers of a Dagger engine, on this
// machine or on another. It is the only importer of Dagger's SDK. Binaries come back;
// no image is made there, because images made there differ from run to run
// (docs/decisions.md).
package dagger

import (
	"context"
	"crypto/rand"
	"os"
	"path"
	"path/filepath"
	"sync"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
)

// Options are what the engine takes from its surroundings.
type Options struct {
	// Env is the environment of the user, as os.Environ gives it.
	Env []string
	// Cache is the folder for what is kept between runs.
	Cache string
	// Where is the engine to use.
	Where Where
}

// Engine builds in containers.
type Engine struct {
	cache string
	user  map[string]string
	where Where

	src       engine.Source
	builder   engine.Builder
	goCommand gocmd.Go
	// objects names the cache of a build that uses no other's.
	objects string
	// modules are the one of UseModules before the engine's own.
	modules gocmd.Modules

	// mu guards the session and what hangs on it, sending the modules, reading the skeleton.
	mu      sync.Mutex
	session *session
	client  *sdk.Client
	version string
	base    *sdk.Container
	// carried is the folder of Objects, where something is carried.
	carried string
	// sent are the restored modules in the engine, once they are there.
	sending  sync.Mutex
	sent     *sdk.Directory
	reading  sync.Mutex
	skeleton gocmd.Skeleton
}

var _ engine.Engine = (*Engine)(nil)

// Places in the builder's containers. They are not in a binary: -trimpath.
const (
	tree    = "/src"
	modules = "/go/pkg/mod"
	objects = "/go/build"
	out     = "/out"
)

// New returns an engine. It reaches out to nothing until something must be built.
func New(o Options) *Engine {
	return &Engine{cache: o.Cache, user: environ(o.Env), where: o.Where}
}

// Name is dagger.
func (e *Engine) Name() string { return "dagger" }

// Version is that of the engine, or empty where nothing had to be built.
func (e *Engine) Version() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}

// Prepare notes what to build with. The builder image decides the Go release, and
// whether it has that release is seen on every binary.
func (e *Engine) Prepare(ctx context.Context, src engine.Source, b engine.Builder, _ step.Step) (engine.Toolchain, error) {
	if err := gocmd.RefuseIrregular(ctx, src.ModuleFolders); err != nil {
		return engine.Toolchain{}, err
	}
	if b.Fresh != "" {
		e.cache, e.objects = b.Fresh, "-"+rand.Text()
	}
	e.src, e.builder = src, b
	e.goCommand = gocmd.Go{Source: src, Release: b.Release, Tree: tree}
	e.goCommand = *e.from(nil)
	return engine.Toolchain{Release: b.Release, From: b.Image.Name + ":" + b.Image.Tag, Sum: b.Image.Digest}, nil
}

// Close ends the session with the engine.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.carried != "" {
		_ = os.RemoveAll(e.carried)
	}
	if e.session == nil {
		return nil
	}
	opened := e.session
	e.session, e.client, e.base, e.sent = nil, nil, nil, nil
	return opened.Close()
}

// workdir is the source folder as the go command sees it.
func (e *Engine) workdir() string { return filepath.ToSlash(e.goCommand.Seen(e.src.Root)) }

// inTree is where a source set's file lies under the tree, as a slash path.
func (e *Engine) inTree(file string) string {
	rel, err := filepath.Rel(e.src.TreeRoot, e.src.Root)
	if err != nil {
		rel = "."
	}
	return path.Join(filepath.ToSlash(rel), file)
}

func (e *Engine) folder(name ...string) (string, error) {
	dir := filepath.Join(append([]string{e.cache, "dagger"}, name...)...)
	return dir, os.MkdirAll(dir, 0o755)
}
