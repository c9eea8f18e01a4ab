package local

import (
	"context"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
)

// Sources lists what the mains need.
func (e *Engine) Sources(ctx context.Context, targets ...engine.Target) (sets []engine.SourceSet, err error) {
	err = e.withModules(ctx, func(g *gocmd.Go) error {
		sets, err = g.Sources(ctx, targets...)
		return err
	})
	return sets, err
}

// Build runs go build once for all mains of a platform, unless its result is kept.
func (e *Engine) Build(ctx context.Context, t engine.Target, _ engine.SourceSet, s step.Step) (engine.Result, error) {
	store := gocmd.Store{Dir: filepath.Join(e.cache, "bin"), Release: e.goCommand.Release}
	return store.Build(t, func(dir string) error {
		return e.withModules(ctx, func(g *gocmd.Go) error { return compile(ctx, g, t, dir, s) })
	})
}

// compile runs go build; its own words come back in the error.
func compile(ctx context.Context, g *gocmd.Go, t engine.Target, dir string, s step.Step) error {
	args := g.BuildArgs(t, dir+string(filepath.Separator))
	s.Log("go " + strings.Join(args, " "))
	out, err := g.Run(ctx, gocmd.Environment(t), args)
	if err != nil {
		return err
	}
	s.Ran(g.RanBuild(t, out))
	for _, line := range gocmd.Lines(out.Stderr) {
		s.Log(line)
	}
	if out.Err != nil {
		return g.Explain(ctx, t, out)
	}
	return nil
}
