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
func (e *Engine) Sources(ctx context.Context, t engine.Target) (engine.SourceSet, error) {
	return e.goCommand.Sources(ctx, t)
}

// Build runs go build once for all mains of a platform, unless its result is kept.
func (e *Engine) Build(ctx context.Context, t engine.Target, _ engine.SourceSet, s step.Step) (engine.Result, error) {
	store := gocmd.Store{Dir: filepath.Join(e.cache, "bin"), Release: e.goCommand.Release}
	return store.Build(t, func(dir string) error { return e.compile(ctx, t, dir, s) })
}

// compile runs go build; its own words come back in the error.
func (e *Engine) compile(ctx context.Context, t engine.Target, dir string, s step.Step) error {
	args := e.goCommand.BuildArgs(t, dir+string(filepath.Separator))
	s.Log("go " + strings.Join(args, " "))
	out, err := e.goCommand.Run(ctx, gocmd.Environment(t), args)
	if err != nil {
		return err
	}
	s.Ran(e.goCommand.RanBuild(t, out))
	for _, line := range gocmd.Lines(out.Stderr) {
		s.Log(line)
	}
	if out.Err != nil {
		return e.goCommand.Explain(ctx, t, out)
	}
	return nil
}
