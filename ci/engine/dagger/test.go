package dagger

import (
	"context"
	"maps"
	"slices"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// Test runs go vet and go test in the builder, on the source tree without what git
// keeps. Their caches are not a build's: a test may write what it likes into them.
func (e *Engine) Test(ctx context.Context, t engine.Tests, s step.Step) (*finding.Tests, error) {
	if _, err := e.builderContainer(ctx); err != nil {
		return nil, err
	}
	all := e.client.Host().Directory(e.src.TreeRoot, sdk.HostDirectoryOpts{Exclude: []string{"**/.git", ".slipway"}, NoCache: true})
	base := e.withCaches("slipway-test").WithMountedDirectory(tree, all).WithWorkdir(e.workdir())
	fetched := e.withSettings(e.client, base).WithEnvVariable("CGO_ENABLED", "0").WithExec(append([]string{"go"}, e.goCommand.FetchArgs(t)...))
	said, err := e.output(ctx, fetched)
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return nil, e.goCommand.Explain(ctx, engine.Target{}, said)
	}
	settings := e.settings()
	maps.Copy(settings, gocmd.Offline())
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		base = base.WithEnvVariable(name, settings[name])
	}
	return e.goCommand.Test(t, s, func(args []string) (gocmd.Output, error) {
		return e.output(ctx, base.WithExec(append([]string{"go"}, args...)))
	})
}
