package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Test runs go vet and go test on this machine, in a sandbox: with a home, a folder for
// temporary files and a cache of their own, without what a build may know about
// registries of modules, and, for root on Linux, as another user who does not see the
// home and has a copy of the source tree. What the sandbox does not hold back, a test can
// do: whoever builds with this engine trusts the source.
func (e *Engine) Test(ctx context.Context, t engine.Tests, s step.Step) (*finding.Tests, error) {
	fetch := e.goCommand.FetchArgs(t)
	said, err := e.run(ctx, []string{"CGO_ENABLED=0"}, fetch)
	if err != nil {
		return nil, err
	}
	if err := e.goCommand.Unfetched(said); err != nil {
		return nil, err
	}
	box, err := e.newSandbox()
	if err != nil {
		return nil, err
	}
	defer box.close()
	if err := box.settle(ctx, fetch); err != nil {
		return nil, err
	}
	by := gocmd.Runner{Compiling: e.compiling(), NoCompiler: "no C compiler on PATH", Exposed: box.exposed()}
	if by.Exposed != "" {
		s.Log(by.Exposed)
	}
	if found, ok := e.compiler(); ok {
		by.Compiler, by.Probe = []string{"CC=" + found}, box.probe
	}
	by.Run = func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		if err := errors.Join(box.renew(), box.copyTree()); err != nil {
			return gocmd.Output{}, fmt.Errorf("making the folders of the tests: %w", err)
		}
		return box.run(ctx, env, args, stdout)
	}
	return e.goCommand.Test(t, by, s)
}

// compiler is a C compiler on the user's PATH. CC of the environment is not asked: it
// can be any command with any arguments.
func (e *Engine) compiler() (string, bool) {
	for _, name := range []string{"gcc", "clang", "cc"} {
		if found, ok := process.Find(process.Exe(name), e.user["PATH"]); ok {
			return found, true
		}
	}
	return "", false
}
