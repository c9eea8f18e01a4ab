package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/source"
	"example.com/slipway/ci/step"
)

// ready fetches the base and readies the toolchain, side by side. Nothing is built
// before the base is known to have every platform.
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
	group.Go(func() error {
		s := p.Reporter.Start("toolchain")
		src := engine.Source{Root: b.Project.Root, Workspace: b.Project.Workspace, Vendor: b.Project.Vendor}
		var err error
		if b.Toolchain, err = p.Engine.Prepare(ctx, src, b.Plan.Image.Toolchain, s); err != nil {
			s.Fail(err)
			return err
		}
		end(s, b.Toolchain.Cached, fmt.Sprintf("%s, engine %s", b.Toolchain.Release, p.Engine.Name()))
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if b.Plan.AllPlatforms {
		b.Plan.Image.Platforms = found.Platforms()
	}
	return found, nil
}

func end(s step.Step, cached bool, summary string) {
	if cached {
		s.Cached(summary)
		return
	}
	s.Done(summary)
}

// sources lists the source set of each platform and puts its hash into the plan.
func (p *Pipeline) sources(ctx context.Context, b *Built) ([]engine.SourceSet, error) {
	img := &b.Plan.Image
	sets := make([]engine.SourceSet, len(img.Platforms))
	err := p.step("sources", func(step.Step) (string, error) {
		err := p.each(ctx, img.Platforms, func(ctx context.Context, i int, t plan.Platform) (err error) {
			sets[i], err = p.Engine.Sources(ctx, p.target(img, t))
			return err
		})
		if err != nil {
			return "", err
		}
		var all []string
		img.Sources = map[string]string{}
		for i, t := range img.Platforms {
			if img.Sources[t.String()], err = source.Hash(b.Project.Root, b.Project.TreeRoot, sets[i].Files); err != nil {
				return "", err
			}
			all = append(all, sets[i].Files...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
		changed, err := b.Project.Dirty(ctx, all)
		if err != nil {
			return "", err
		}
		if len(changed) > 0 {
			b.Plan.MarkDirty()
			return fmt.Sprintf("%d files, %d not as committed: %s", len(all), len(changed), changed[0]), nil
		}
		return fmt.Sprintf("%d files", len(all)), nil
	})
	return sets, err
}

// binaries builds the mains for every platform.
func (p *Pipeline) binaries(ctx context.Context, b *Built) error {
	img := &b.Plan.Image
	results := make([]engine.Result, len(img.Platforms))
	err := p.each(ctx, img.Platforms, func(ctx context.Context, i int, t plan.Platform) error {
		s := p.Reporter.Start("build " + t.String())
		target := p.target(img, t)
		target.Key = img.BinaryHash(t)
		result, err := p.Engine.Build(ctx, target, s)
		if err != nil {
			s.Fail(err)
			return err
		}
		results[i] = result
		var size int64
		for _, bin := range result.Binaries {
			size += bin.Size
		}
		end(s, result.Cached, step.Size(size))
		return nil
	})
	for _, r := range results {
		b.Binaries = append(b.Binaries, r.Binaries...)
	}
	return err
}

// unchanged compares the sources with what they were before the build, so that
// the plan never names sources that another process was just writing.
func (p *Pipeline) unchanged(b *Built, sets []engine.SourceSet) error {
	for i, t := range b.Plan.Image.Platforms {
		sum, err := source.Hash(b.Project.Root, b.Project.TreeRoot, sets[i].Files)
		if err != nil {
			return err
		}
		if sum != b.Plan.Image.Sources[t.String()] {
			return fault.New(fault.Source, "the source changed while it was being built").WithFix("build again")
		}
	}
	return nil
}

func (p *Pipeline) assemble(b *Built, found *base.Base) error {
	img := b.Plan.Image
	store := layer.NewStore(filepath.Join(p.Cache, "layers"))
	return p.step("image", func(step.Step) (string, error) {
		parts := make([]image.Part, len(img.Platforms))
		err := p.each(context.Background(), img.Platforms, func(_ context.Context, i int, t plan.Platform) error {
			layers, err := p.layers(store, b, t)
			parts[i] = image.Part{Platform: t, Base: found.Images[t], Layers: layers}
			return err
		})
		if err != nil {
			return "", err
		}
		if b.Index, err = image.Assemble(img, parts); err != nil {
			return "", err
		}
		var sizes []string
		for _, i := range b.Index.Images {
			sizes = append(sizes, i.Platform.String()+" "+step.Size(i.Size))
		}
		return strings.Join(sizes, ", "), nil
	})
}

// layers are ours: certificates where they are asked for, then the programs.
func (p *Pipeline) layers(store *layer.Store, b *Built, t plan.Platform) ([]image.Layer, error) {
	var layers []image.Layer
	if b.Plan.Image.Certs {
		files, err := builtin.Certificates()
		if err != nil {
			return nil, err
		}
		// The epoch of the files, not of the commit: the layer stays the same.
		l, err := store.Layer(files, time.Unix(0, 0))
		if err != nil {
			return nil, err
		}
		layers = append(layers, image.Layer{Layer: l, CreatedBy: "slipway: CA certificates and time zones"})
	}
	var files []layer.File
	for _, bin := range b.Binaries {
		if bin.Platform == t {
			files = append(files, layer.File{Path: bin.Main.Path(), Mode: fs.FileMode(0o755), Source: bin.File, SHA256: bin.SHA256})
		}
	}
	slices.SortFunc(files, func(a, b layer.File) int { return strings.Compare(a.Path, b.Path) })
	l, err := store.Layer(append(layer.Parents(files), files...), b.Plan.Image.Time())
	if err != nil {
		return nil, err
	}
	return append(layers, image.Layer{Layer: l, CreatedBy: "slipway: " + strings.Join(b.Plan.Image.Packages(), " ")}), nil
}

func (p *Pipeline) target(img *plan.Image, t plan.Platform) engine.Target {
	return engine.Target{Platform: t, Mains: img.Mains, Build: img.Build}
}

// each runs f for every platform, at most as many at once as there are processors.
// The first error ends the others.
func (p *Pipeline) each(ctx context.Context, list []plan.Platform, f func(context.Context, int, plan.Platform) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range list {
		group.Go(func() error { return f(ctx, i, t) })
	}
	return group.Wait()
}
