package dagger

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// Places in the container of tests, and who runs them: the user that the image runs as.
const (
	nobody   = "65532:65532"
	testHome = "/home/tests"
	probe    = "/home/probe.go"
)

// Test runs go vet and go test in the builder, each on a copy of the source tree without
// what git keeps. Their caches are not a build's: a test may write what it likes into the
// one that it can write. The engine hands over what go test prints when it has ended.
func (e *Engine) Test(ctx context.Context, t engine.Tests, s step.Step) (*finding.Tests, error) {
	if _, err := e.builderContainer(ctx); err != nil {
		return nil, err
	}
	all := e.client.Host().Directory(e.src.TreeRoot, sdk.HostDirectoryOpts{Exclude: []string{"**/.git", ".slipway"}, NoCache: true})
	base := e.withCaches("slipway-test").WithWorkdir(e.workdir())
	fetched := e.withSettings(e.client, base.WithMountedDirectory(tree, all)).
		WithEnvVariable("CGO_ENABLED", "0").WithExec(append([]string{"go"}, e.goCommand.FetchArgs(t)...))
	said, err := e.output(ctx, fetched)
	if err != nil {
		return nil, err
	}
	if err := e.goCommand.Unfetched(said); err != nil {
		return nil, err
	}
	box := e.tester(base, all)
	by := gocmd.Runner{Compiling: e.compiling(), Probe: probe, NoCompiler: "the builder image has no C compiler"}
	by.Run = func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		// A failure is an answer too, which the engine would give again to the same question.
		env = append(slices.Clone(env), "SLIPWAY_RUN="+strconv.FormatInt(time.Now().UnixNano(), 36))
		return e.tested(ctx, with(box, env).WithExec(append([]string{"go"}, args...), sdk.ContainerWithExecOpts{Expect: sdk.ReturnTypeAny}), stdout)
	}
	return e.goCommand.Test(t, by, s)
}

// tester is the container that tests run in.
func (e *Engine) tester(base *sdk.Container, all *sdk.Directory) *sdk.Container {
	box := base.
		WithMountedDirectory(tree, all, sdk.ContainerWithMountedDirectoryOpts{Owner: nobody}).
		WithMountedCache(objects, e.client.CacheVolume("slipway-test-nobody"), sdk.ContainerWithMountedCacheOpts{Sharing: sdk.CacheSharingModeShared, Owner: nobody}).
		WithDirectory(testHome, e.client.Directory(), sdk.ContainerWithDirectoryOpts{Owner: nobody}).
		WithNewFile(probe, gocmd.Probe)
	settings := e.settings()
	maps.Copy(settings, gocmd.Offline())
	maps.Copy(settings, map[string]string{"HOME": testHome})
	for _, name := range []string{"GOINSECURE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOSUMDB"} {
		delete(settings, name) // nobody is asked for a module
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		box = box.WithEnvVariable(name, settings[name])
	}
	return box.WithUser(nobody)
}

// tested runs the last command of a container, which may end with any code.
func (e *Engine) tested(ctx context.Context, ctr *sdk.Container, stdout io.Writer) (gocmd.Output, error) {
	code, err := ctr.ExitCode(ctx)
	if err != nil {
		return gocmd.Output{}, e.trouble(ctx, err)
	}
	text, err := ctr.Stdout(ctx)
	if err != nil && strings.Contains(err.Error(), "exceeds limit") {
		return gocmd.Output{}, fault.New(fault.Tests, "the tests print more than the Dagger engine hands over").
			WithFix("let them print less, or test with --engine local").WithCause(err)
	}
	if err != nil {
		return gocmd.Output{}, e.trouble(ctx, err)
	}
	if _, err := io.WriteString(stdout, text); err != nil {
		return gocmd.Output{}, err
	}
	stderr, err := ctr.Stderr(ctx)
	if err != nil {
		return gocmd.Output{}, e.trouble(ctx, err)
	}
	said := gocmd.Output{Stderr: []byte(stderr)}
	if code != 0 {
		said.Err = gocmd.ExitError(code)
	}
	return said, nil
}
