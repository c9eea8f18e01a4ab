// Package pipeline is the order of steps, written once: what any front end calls
// and any engine carries out.
package pipeline

import (
	"context"
	"fmt"
	"time"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/step"
)

// Pipeline runs steps for one source folder.
type Pipeline struct {
	// Dir is the source folder.
	Dir string
	// WorkDir is the folder that relative output folders count from.
	WorkDir string
	// Env is the user's environment.
	Env []string
	// Cache is the folder for what is kept between runs.
	Cache string
	// Engine makes the binaries.
	Engine engine.Engine
	// Reporter hears what happens.
	Reporter step.Reporter
	// BuiltinBase lets a build go on with the embedded base where no registry can be
	// reached and nobody named a base.
	BuiltinBase bool
	// Wait is how long a registry may take to answer at all. The default is 5 s.
	Wait time.Duration
}

// Built is what a build leaves.
type Built struct {
	Plan      *config.Plan
	Project   *project.Project
	Toolchain engine.Toolchain
	Binaries  []engine.Binary
	Index     *image.Index
	// Builtin says that the embedded base stands in for the pinned one.
	Builtin bool
}

// Plan reads the source folder and makes the plan. It starts no engine, so the
// plan does not have the hash of the sources yet.
func (p *Pipeline) Plan(ctx context.Context, said func(*config.File) (*config.Said, error)) (*config.Plan, *project.Project, error) {
	file, err := config.ReadFile(p.Dir)
	if err != nil {
		return nil, nil, err
	}
	all, err := said(file)
	if err != nil {
		return nil, nil, err
	}
	found, err := project.Read(ctx, project.Options{Dir: p.Dir, Env: p.Env})
	if err != nil {
		return nil, nil, err
	}
	pinned, err := pins.Read(found.Root)
	if err != nil {
		return nil, nil, err
	}
	made, err := config.Resolve(config.Input{Said: all, Project: found, Pins: pinned, Dir: p.WorkDir})
	if err != nil {
		return nil, nil, err
	}
	return made, found, nil
}

// Build makes the images of the plan and writes nothing outside the cache.
func (p *Pipeline) Build(ctx context.Context, said func(*config.File) (*config.Said, error)) (*Built, error) {
	b := &Built{}
	err := p.step("source", func(step.Step) (string, error) {
		var err error
		b.Plan, b.Project, err = p.Plan(ctx, said)
		if err != nil {
			return "", err
		}
		return describe(b.Plan), nil
	})
	if err != nil {
		return nil, err
	}
	for _, note := range b.Plan.Notes {
		p.Reporter.Note(note)
	}
	base, err := p.ready(ctx, b)
	if err != nil {
		return nil, err
	}
	sources, err := p.sources(ctx, b)
	if err != nil {
		return nil, err
	}
	if err := p.binaries(ctx, b); err != nil {
		return nil, err
	}
	if err := p.unchanged(b, sources); err != nil {
		return nil, err
	}
	return b, p.assemble(b, base)
}

// step runs one step and reports how it ended. A summary that begins with cached
// says that an earlier result was used.
func (p *Pipeline) step(name string, run func(step.Step) (string, error)) error {
	s := p.Reporter.Start(name)
	summary, err := run(s)
	switch {
	case err != nil:
		s.Fail(err)
	default:
		s.Done(summary)
	}
	return err
}

func describe(plan *config.Plan) string {
	version := plan.Image.Version
	if version == "" {
		version = "no version"
	}
	return fmt.Sprintf("%s %s", plan.Image.Mains[0].Package, version)
}
