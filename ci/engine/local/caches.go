package local

import (
	"context"
	"path/filepath"
	"slices"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
)

var _ engine.Caching = (*Engine)(nil)

// Objects is the build cache of all builds, Slipway's own.
func (e *Engine) Objects() string { return filepath.Join(e.cache, "go-build") }

// Collect has nothing to do: the builds write there.
func (e *Engine) Collect(context.Context) error { return nil }

// UseModules names a module cache beside the user's, which is not touched: what is partly
// there would break other builds.
func (e *Engine) UseModules(dir string, short func()) {
	e.modules.Use(dir, short)
}

// Needs lists what a build needs.
func (e *Engine) Needs(ctx context.Context, t engine.Target) (needs engine.Needs, err error) {
	err = e.withModules(ctx, func(g *gocmd.Go) error {
		needs, err = g.Needs(ctx, t)
		return err
	})
	return needs, err
}

// withModules does something with the module cache of UseModules, and again with the
// ordinary one where that fails.
func (e *Engine) withModules(ctx context.Context, do func(*gocmd.Go) error) error {
	return e.modules.Try(ctx, func(from *gocmd.Restored) error {
		if from == nil {
			return do(&e.goCommand)
		}
		g := e.goCommand
		g.Modules = from.Dir
		g.Run = func(ctx context.Context, env, args []string) (gocmd.Output, error) {
			return e.runIn(ctx, slices.Concat(e.base, env, []string{"GOMODCACHE=" + from.Dir}), args)
		}
		return do(&g)
	})
}
