// Package pipeline is the order of steps, written once: what any front end calls
// and any engine carries out.
package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
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
	// Engine chooses what makes the binaries, once the plan is known, and says why.
	Engine func(context.Context, plan.Run) (chosen engine.Engine, why string, err error)
	// Reporter hears what happens.
	Reporter step.Reporter
	// BuiltinBase lets a build go on with the embedded base where no registry can be
	// reached and nobody named a base.
	BuiltinBase bool
	// Fresh is an empty folder for a build that is to use nothing that an earlier one left.
	Fresh string
	// Answer lets an earlier run with the same inputs answer for a build.
	Answer bool
	// Program identifies Slipway itself. The default is the hash of its file.
	Program func() (string, error)
	// Race asks for the race detector in Test, and Rerun says how often tests that fail
	// there are run again.
	Race  bool
	Rerun int
	// Wait is how long a registry may take to answer at all. The default is 5 s.
	Wait time.Duration
}

// Built is what a build leaves.
type Built struct {
	Plan      *config.Plan
	Project   *project.Project
	Toolchain engine.Toolchain
	// Images are in the order of the plan's.
	Images []Image
	// Builtin says that the embedded base stands in for the pinned one.
	Builtin bool

	engine engine.Engine
	// why says why it is this engine.
	why   string
	units []*unit
	// dirty are the source files that differ from the commit, without the generated ones,
	// which commands have written since preBuilt.
	dirty, generated []string
	preBuilt         time.Time
	// lost says that a part of the cache was not whole.
	lost bool
	// vouchers are the keys of caches, once they are read.
	vouchers *vouchers
	// published says that what is built is to be published.
	published bool
	// clean wants no source that differs from the commit.
	clean bool
	// inputs identify what decides the images, where that is certain before a build.
	inputs *inputs
}

// Image is one image of a run.
type Image struct {
	Plan     plan.Image
	Binaries []engine.Binary
	Index    *image.Index
}

// Layout is the folder of an image's OCI layout. One that stands on the embedded base
// for want of the pinned one has another name.
func (b *Built) Layout(made Image) string {
	dir := filepath.Join(b.Plan.Run.Output, made.Plan.Name)
	if b.Builtin {
		dir += "." + BuiltinName
	}
	return dir
}

// Said gathers what a user said, with what the configuration file says.
type Said func(*config.File) (*config.Said, error)

// Plan reads the source folder and makes the plan. It starts no engine, so the
// plan does not have the hash of the sources yet.
func (p *Pipeline) Plan(ctx context.Context, said Said) (*config.Plan, *project.Project, error) {
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
	made, err := config.Resolve(ctx, config.Input{Said: all, Project: found, Pins: pinned, Dir: p.WorkDir})
	if err != nil {
		return nil, nil, err
	}
	return made, found, nil
}

// Build makes the images of the plan and writes nothing outside the cache.
func (p *Pipeline) Build(ctx context.Context, said Said) (*Built, error) {
	b, err := p.planned(ctx, said)
	if err != nil {
		return nil, err
	}
	if answered, err := p.answer(ctx, b); answered || err != nil {
		return b, err
	}
	if err := p.choose(ctx, b); err != nil {
		return nil, err
	}
	// What was built is there already, and a session that does not end in order is killed.
	defer func() { _ = b.engine.Close() }()
	if err := p.build(ctx, b); err != nil {
		return b, err
	}
	p.save(ctx, b)
	p.remember(ctx, b)
	return b, ctx.Err()
}

// begin makes the plan and chooses the engine, which the caller closes. Beside an error
// comes what was planned, or nil.
func (p *Pipeline) begin(ctx context.Context, said Said) (*Built, error) {
	b, err := p.planned(ctx, said)
	if err != nil {
		return b, err
	}
	return b, p.choose(ctx, b)
}

// planned makes the plan. Beside an error comes what was planned, or nil.
func (p *Pipeline) planned(ctx context.Context, said Said) (*Built, error) {
	b := &Built{}
	err := step.Run(p.Reporter, "source", func(step.Step) (string, error) {
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
	return b, allowed(b.Plan.Run)
}

// choose chooses the engine.
func (p *Pipeline) choose(ctx context.Context, b *Built) (err error) {
	b.engine, b.why, err = p.Engine(ctx, b.Plan.Run)
	return err
}

func (p *Pipeline) build(ctx context.Context, b *Built) error {
	base, err := p.ready(ctx, b)
	if err != nil {
		return err
	}
	if err := p.preBuild(ctx, b); err != nil {
		return err
	}
	b.units = p.unitsOf(b)
	if err := p.sources(ctx, b, b.units); err != nil {
		return err
	}
	if b.clean {
		if err := clean(b); err != nil {
			return err
		}
	}
	if err := p.binaries(ctx, b, b.units); err != nil {
		return err
	}
	if err := p.unchanged(b, b.units); err != nil {
		return err
	}
	return p.assemble(p.layerStore(), b, base, b.units)
}

// Test vets and tests the source and returns what it did. It makes no image and needs
// no base.
func (p *Pipeline) Test(ctx context.Context, said Said) (tests *finding.Tests, err error) {
	b, err := p.begin(ctx, said)
	if err != nil {
		return nil, err
	}
	// What was built is there already, and a session that does not end in order is killed.
	defer func() { _ = b.engine.Close() }()
	if err := p.toolchain(ctx, b); err != nil {
		return nil, err
	}
	if err := p.preBuild(ctx, b); err != nil {
		return nil, err
	}
	err = step.Run(p.Reporter, "test", func(s step.Step) (string, error) {
		tests, err = b.engine.Test(ctx, engine.Tests{Packages: b.Plan.Run.Tests, Tags: b.Plan.Image.Build.Tags, Race: p.Race, Rerun: p.Rerun}, s)
		if err == nil {
			err = steady(tests, b.Plan.Run.Policy)
		}
		if err != nil {
			return "", err
		}
		return tests.Summary(), nil
	})
	if tests != nil && tests.Exposed != "" {
		p.Reporter.Note(tests.Exposed)
	}
	return tests, err
}

func describe(made *config.Plan) string {
	version := made.Image.Version
	if version == "" {
		version = "no version"
	}
	if n := len(made.Images); n > 1 {
		return fmt.Sprintf("%s %s, %d images", made.Image.Module, version, n)
	}
	return fmt.Sprintf("%s %s", made.Image.Mains[0].Package, version)
}
