package dagger

import (
	"context"
	"maps"
	"slices"
	"strings"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
)

// Test runs go vet and go test in the builder, on the source tree without what git
// keeps. Their caches are not a build's: a test may write what it likes into them.
func (e *Engine) Test(ctx context.Context, t engine.Tests, s step.Step) (string, error) {
	if _, err := e.builderContainer(ctx); err != nil {
		return "", err
	}
	all := e.client.Host().Directory(e.src.TreeRoot, sdk.HostDirectoryOpts{Exclude: []string{"**/.git", ".slipway"}, NoCache: true})
	base := e.withCaches("slipway-test").WithMountedDirectory(tree, all).WithWorkdir(e.workdir())
	fetched := e.withSettings(e.client, base).WithEnvVariable("CGO_ENABLED", "0").WithExec(append([]string{"go"}, e.goCommand.FetchArgs(t)...))
	said, err := e.output(ctx, fetched)
	if err != nil {
		return "", err
	}
	if said.Err != nil {
		return "", e.goCommand.Explain(ctx, engine.Target{}, said)
	}
	settings := e.settings()
	maps.Copy(settings, gocmd.Offline())
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		base = base.WithEnvVariable(name, settings[name])
	}
	for _, command := range e.goCommand.Testings(t) {
		s.Log("go " + strings.Join(command.Args, " "))
		said, err = e.output(ctx, base.WithExec(append([]string{"go"}, command.Args...)))
		if err != nil {
			return "", err
		}
		for _, line := range append(gocmd.Lines(said.Stdout), gocmd.Lines(said.Stderr)...) {
			s.Log(line)
		}
		if said.Err != nil {
			return "", e.goCommand.Failed(command.Name, said)
		}
	}
	return gocmd.Passed(said.Stdout), nil
}
