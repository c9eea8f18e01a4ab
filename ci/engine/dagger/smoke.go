package dagger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/trial"
	"example.com/slipway/ci/trial/runner"
)

// Places of the runner: its source in the builder, itself in the image to try.
const (
	runnerSource  = "/trial"
	runnerProgram = "/.slipway-trial"
)

// Smoke tries an image in a container of the engine. A service of the engine would not
// tell how it ended, has a root that can be written to, and may take all memory. So the
// runner is put into the image's container, which restricts and watches the program.
func (e *Engine) Smoke(ctx context.Context, sm engine.Smoke, _ step.Step) (engine.Smoked, error) {
	t, err := trial.Of(sm)
	if err != nil {
		return engine.Smoked{}, err
	}
	platform, err := e.Platform(ctx)
	if err != nil {
		return engine.Smoked{}, err
	}
	if platform != sm.Platform {
		return engine.Smoked{}, trial.Unjudged("the Dagger engine runs %s, and the image is for %s", platform, sm.Platform)
	}
	program, err := e.runner(ctx)
	if err != nil {
		return engine.Smoked{}, err
	}
	asked, err := json.Marshal(t)
	if err != nil {
		return engine.Smoked{}, fmt.Errorf("writing down the trial: %w", err)
	}
	// The runner is root, so that the program cannot reach it.
	ran := e.client.Container(sdk.ContainerOpts{Platform: sdk.Platform(platform.String())}).Import(e.client.Host().File(sm.Archive)).
		WithUser("0:0").WithMountedFile(runnerProgram, program).
		// What an earlier trial gave is no answer.
		WithEnvVariable("SLIPWAY_TRIAL", rand.Text()).
		WithExec([]string{runnerProgram}, sdk.ContainerWithExecOpts{Stdin: string(asked)})
	said, err := e.output(ctx, ran)
	if err != nil {
		return engine.Smoked{}, err
	}
	var report runner.Report
	if err := json.Unmarshal(said.Stdout, &report); said.Err != nil || err != nil {
		return engine.Smoked{}, trial.Unjudged("nothing could try the image in the Dagger engine %s", e.where.name()).
			WithDetail(gocmd.Lines(said.Stderr)...).WithCause(err)
	}
	return trial.Judge(report, "in a container of the Dagger engine: no limit of processes, root not mounted read-only but nothing may be written")
}

// runner builds the runner in the builder, for the engine's platform.
func (e *Engine) runner(ctx context.Context) (*sdk.File, error) {
	ctr, err := e.builderContainer(ctx)
	if err != nil {
		return nil, err
	}
	module := reflect.TypeFor[runner.Trial]().PkgPath()
	source := e.client.Directory().WithNewFile("go.mod", "module "+module+"\n\ngo 1.22\n")
	err = fs.WalkDir(runner.Source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(runner.Source, name)
		source = source.WithNewFile(name, string(text))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the source of the runner: %w", err)
	}
	built := ctr.WithEnvVariable("CGO_ENABLED", "0").WithEnvVariable("GOWORK", "off").WithDirectory(runnerSource, source).WithWorkdir(runnerSource).
		WithExec([]string{"go", "build", "-trimpath", "-ldflags=-s -w", "-o", out + "/trial", "./command"})
	said, err := e.output(ctx, built)
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return nil, fault.New(fault.Unjudged, "the builder does not build what tries the image").WithDetail(gocmd.Lines(said.Stderr)...).
			WithFix("take a newer builder, or turn it off with smoke: false").WithCause(said.Err)
	}
	return built.File(out + "/trial"), nil
}
