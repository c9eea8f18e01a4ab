package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	daggerengine "example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/module/internal/dagger"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/term"
)

// Folders in the working folder of a function's container.
const (
	sourceDir = "source"
	cacheDir  = "cache"
	outputDir = "output"
)

// run is the pipeline of one function call.
type run struct {
	pipeline.Pipeline
	screen    *term.Terminal
	flags     *config.Flags
	platforms []string
}

// start puts the source where the pipeline finds it.
func (m *Slipway) start(ctx context.Context, src *dagger.Directory, platforms ...string) (*run, error) {
	if src == nil {
		src = m.Src
	}
	if _, err := src.Export(ctx, sourceDir); err != nil {
		return nil, fmt.Errorf("reading the source: %w", err)
	}
	if m.Dir != "" && !filepath.IsLocal(m.Dir) {
		return nil, fault.New(fault.Usage, "--dir: %s lies outside the source", m.Dir).WithFix("give a wider --src")
	}
	work, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	env, err := m.environ(ctx)
	if err != nil {
		return nil, err
	}
	set := pflag.NewFlagSet("slipway", pflag.ContinueOnError)
	r := &run{flags: config.Bind(set), platforms: platforms, screen: term.New(term.Options{Out: os.Stderr})}
	if err := set.Parse(m.Flags); err != nil {
		return nil, fault.New(fault.Usage, "--setting: %v", err).WithFix("the settings are those of .slipway.yaml")
	}
	r.Pipeline = pipeline.Pipeline{
		Dir: filepath.Join(work, sourceDir, m.Dir), WorkDir: work, Env: env, Cache: filepath.Join(work, cacheDir), Reporter: r.screen,
		Engine: func(context.Context, plan.Run) (engine.Engine, string, error) {
			return daggerengine.New(daggerengine.Options{Env: env, Cache: filepath.Join(work, cacheDir)}), "", nil
		},
	}
	return r, nil
}

// said is what the arguments and the configuration file say. The environment is the
// engine's here, not the user's.
func (r *run) said(file *config.File) (*config.Said, error) {
	said, err := config.Gather(file, func(string) string { return "" }, r.flags)
	if err == nil && len(r.platforms) > 0 {
		said.Platform = r.platforms
		said.Origins["platform"] = "--platform"
	}
	return said, err
}

// built runs the pipeline, for the platforms of the source where none are named.
func (m *Slipway) built(ctx context.Context, src *dagger.Directory, platforms ...string) (*run, *pipeline.Built, error) {
	r, err := m.start(ctx, src, platforms...)
	if err != nil {
		return nil, nil, told(err)
	}
	defer r.screen.Close()
	// No other base may take the place of one that a registry does not give: the engine
	// keeps the result for whoever calls next.
	b, err := r.Build(ctx, r.said)
	return r, b, told(err)
}

// one is the platform of a function that builds for one only.
func (m *Slipway) one(ctx context.Context, platform dagger.Platform) (dagger.Platform, error) {
	if platform == "" && len(m.Platforms) == 1 && m.Platforms[0] != "all" {
		platform = dagger.Platform(m.Platforms[0])
	}
	if platform != "" {
		return platform, nil
	}
	return dag.DefaultPlatform(ctx)
}

// archive packs the one image of a run.
func (r *run) archive(b *pipeline.Built) (*dagger.File, error) {
	if n := len(b.Images); n != 1 {
		return nil, fault.New(fault.Usage, "a file holds one image, there are %d", n).WithFix("choose one with --main")
	}
	made := b.Images[0]
	layout := filepath.Join(outputDir, made.Plan.Name)
	if err := output.Layout(filepath.Join(r.WorkDir, layout), config.Tag(made.Plan, b.Builtin), made.Index); err != nil {
		return nil, err
	}
	if err := output.Tar(filepath.Join(r.WorkDir, layout+".tar"), filepath.Join(r.WorkDir, layout)); err != nil {
		return nil, err
	}
	return dag.CurrentModule().WorkdirFile(layout + ".tar"), nil
}

// binary finds the program of that name, or the only one.
func (r *run) binary(all []engine.Binary, name string) (*dagger.File, error) {
	at := slices.IndexFunc(all, func(b engine.Binary) bool { return b.Main.Name == name || name == "" && len(all) == 1 })
	if at < 0 {
		var names []string
		for _, b := range all {
			names = append(names, b.Main.Name)
		}
		return nil, fault.New(fault.Usage, "--program: %q is none of the programs", name).WithFix("choose one of %s", strings.Join(names, ", "))
	}
	rel, err := filepath.Rel(r.WorkDir, all[at].File)
	if err != nil {
		return nil, err
	}
	return dag.CurrentModule().WorkdirFile(rel), nil
}

// told is an error in words for the caller, in the form that slipway prints. It does
// not unwrap: the SDK would show the request that failed in its place.
func told(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		if err != nil {
			err = errors.New(err.Error())
		}
		return err
	}
	lines := []string{strings.TrimSuffix(err.Error(), f.Error()) + f.What}
	for _, line := range f.Detail {
		lines = append(lines, "  "+line)
	}
	if f.Fix != "" {
		lines = append(lines, "fix: "+f.Fix)
	}
	return errors.New(strings.Join(lines, "\n"))
}
