package local

import (
	"context"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// Reach runs govulncheck, built by the pinned release, in the environment of a build. It
// reads the source, and runs nothing of it.
func (e *Engine) Reach(ctx context.Context, r engine.Reach, s step.Step) ([]byte, error) {
	if err := e.goCommand.CanReach(); err != nil {
		return nil, err
	}
	folder, address, err := gocmd.VulnDB(r.Database)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		address = gocmd.FileURL(folder)
	}
	program, err := tool.Govulncheck().Install(ctx, tool.Options{Env: e.base, Cache: e.cache, Release: e.goCommand.Release}, s)
	if err != nil {
		return nil, err
	}
	args := e.goCommand.ReachArgs(r.Target, address)
	s.Log("govulncheck " + strings.Join(args, " "))
	within, cancel := gocmd.WithinReach(ctx)
	defer cancel()
	cmd := process.Command(within, program, args...)
	cmd.Dir, cmd.Env = e.goCommand.Source.Root, slices.Concat(e.base, e.goCommand.ReachEnvironment(r.Target))
	stdout, stderr := &gocmd.Bounded{Max: gocmd.ReachLimit}, &gocmd.Bounded{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	switch {
	case within.Err() != nil:
		return nil, context.Cause(within)
	case err != nil:
		return nil, e.goCommand.Unreached(r.Database, gocmd.Output{Stderr: stderr.Bytes(), Err: err})
	case stdout.Full():
		return nil, gocmd.ReachTooLarge()
	}
	return stdout.Bytes(), nil
}
