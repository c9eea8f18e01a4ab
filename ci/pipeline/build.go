package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// unit is one image for one platform: what an engine is asked for.
type unit struct {
	image    *plan.Image
	platform plan.Platform
	// name is what the steps of the unit are called: the platform, after the image's
	// name where there are several.
	name    string
	sources engine.SourceSet
	result  engine.Result
}

// target leaves out the -X settings that are known to have no variable. They would change
// nothing of a program but the linker's own hash, with each commit.
func (u *unit) target() engine.Target {
	build := u.image.Build
	build.Vars = slices.DeleteFunc(slices.Clone(build.Vars), func(v plan.Var) bool { return slices.Contains(u.sources.Absent, v.Name) })
	return engine.Target{Platform: u.platform, Mains: u.image.Mains, Build: build}
}

func (p *Pipeline) unitsOf(b *Built) []*unit {
	var units []*unit
	for i := range b.Plan.Images {
		img := &b.Plan.Images[i]
		for _, t := range img.Platforms {
			u := &unit{image: img, platform: t, name: t.String()}
			if len(b.Plan.Images) > 1 {
				u.name = img.Name + " " + u.name
			}
			units = append(units, u)
		}
	}
	return units
}

// ready fetches the base, readies the toolchain and restores caches, side by side. Nothing
// is built before the base is known to have every platform.
func (p *Pipeline) ready(ctx context.Context, b *Built) (*base.Base, error) {
	var found *base.Base
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		s := p.Reporter.Start("base")
		var err error
		if found, err = p.base(ctx, b); err != nil {
			s.Fail(err)
			return err
		}
		end(s, found.Cached, found.Name)
		return nil
	})
	group.Go(func() error { return p.toolchain(ctx, b) })
	group.Go(func() error { return p.restore(ctx, b) })
	err := group.Wait()
	return found, err
}

// toolchain readies the Go release.
func (p *Pipeline) toolchain(ctx context.Context, b *Built) (err error) {
	s := p.Reporter.Start("toolchain")
	src := engine.Source{
		Root: b.Project.Root, TreeRoot: b.Project.TreeRoot, Workspace: b.Project.Workspace,
		ModuleFolders: b.Project.ModuleFolders, Vendor: b.Project.Vendor,
	}
	builder := engine.Builder{Image: b.Plan.Image.Builder, Release: b.Plan.Image.Toolchain, Fresh: p.Fresh}
	if b.Toolchain, err = b.engine.Prepare(ctx, src, builder, s); err != nil {
		s.Fail(err)
		return err
	}
	end(s, b.Toolchain.Cached, fmt.Sprintf("%s, engine %s%s", b.Toolchain.Release, b.engine.Name(), b.why))
	return nil
}

func end(s step.Step, cached bool, summary string) {
	if cached {
		s.Cached(summary)
		return
	}
	s.Done(summary)
}

// allowed refuses commands that nobody on this machine has agreed to.
func allowed(run plan.Run) error {
	if len(run.PreBuild) == 0 || run.AllowExec {
		return nil
	}
	var commands []string
	for _, argv := range run.PreBuild {
		commands = append(commands, strings.Join(argv, " "))
	}
	return fault.New(fault.Usage, "the source wants commands to run before a build").WithDetail(commands...).
		WithFix("--allow-exec runs them on this machine, with your rights")
}

// note remembers files that differ from the commit: those that the commands before the
// build have written, which write them again where the run is repeated, and all others.
func (b *Built) note(dirty []string) {
	for _, file := range dirty {
		info, err := os.Stat(filepath.Join(b.Project.Root, filepath.FromSlash(file)))
		if err == nil && !b.preBuilt.IsZero() && !info.ModTime().Before(b.preBuilt) {
			b.generated = append(b.generated, file)
		} else {
			b.dirty = append(b.dirty, file)
		}
	}
}

func (p *Pipeline) preBuild(ctx context.Context, b *Built) error {
	if len(b.Plan.Run.PreBuild) > 0 {
		// Times of files may be coarser than the clock.
		b.preBuilt = time.Now().Truncate(time.Second)
	}
	for _, argv := range b.Plan.Run.PreBuild {
		err := step.Run(p.Reporter, "pre-build "+argv[0], func(s step.Step) (string, error) {
			return strings.Join(argv, " "), b.engine.Exec(ctx, argv, s)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// warn names -X settings of the user that do nothing.
func (p *Pipeline) warn(b *Built, unset []string) {
	for _, name := range unset {
		if _, said := b.Plan.Set[name]; said {
			p.Reporter.Note(fmt.Sprintf("set %s names no string variable of the program, so it does nothing", name))
		}
	}
}

// binaries builds every unit. One of each platform goes ahead: what the others have in
// common with it is compiled once then, and not by each that is built beside it.
func (p *Pipeline) binaries(ctx context.Context, b *Built, units []*unit) error {
	var ahead, rest []*unit
	for _, u := range units {
		if slices.ContainsFunc(ahead, func(one *unit) bool { return one.platform == u.platform }) {
			rest = append(rest, u)
		} else {
			ahead = append(ahead, u)
		}
	}
	if err := p.compile(ctx, b, ahead); err != nil {
		return err
	}
	return p.compile(ctx, b, rest)
}

func (p *Pipeline) compile(ctx context.Context, b *Built, units []*unit) error {
	return each(ctx, units, func(ctx context.Context, u *unit) error {
		s := p.Reporter.Start("build " + u.name)
		target := u.target()
		target.Key = u.image.BinaryHash(u.platform, target.Build)
		var err error
		if u.result, err = b.engine.Build(ctx, target, u.sources, s); err != nil {
			s.Fail(err)
			return err
		}
		var size int64
		for _, bin := range u.result.Binaries {
			size += bin.Size
		}
		end(s, u.result.Cached, step.Size(size))
		return nil
	})
}

// each runs f for every item, at most as many at once as there are processors. The
// first error ends the others.
func each[T any](ctx context.Context, items []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, item := range items {
		group.Go(func() error { return f(ctx, item) })
	}
	return group.Wait()
}
