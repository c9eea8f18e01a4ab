package pipeline

import (
	"context"
	"fmt"
	"slices"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/source"
	"example.com/slipway/ci/step"
)

// sources lists the source set of each unit and puts its hash into the plan.
func (p *Pipeline) sources(ctx context.Context, b *Built, units []*unit) error {
	var unset []string
	err := step.Run(p.Reporter, "sources", func(step.Step) (string, error) {
		targets := make([]engine.Target, len(units))
		for i, u := range units {
			targets[i] = u.target()
		}
		sets, err := b.engine.Sources(ctx, targets...)
		if err != nil {
			return "", err
		}
		for i, u := range units {
			u.sources = sets[i]
			unset = append(unset, u.sources.Unset...)
		}
		all, err := identify(b, units)
		if err != nil {
			return "", err
		}
		changed, err := b.compare(ctx, units, all)
		if err != nil {
			return "", err
		}
		if len(changed) > 0 {
			return fmt.Sprintf("%d files, %d not as committed: %s", len(all), len(changed), changed[0]), nil
		}
		return fmt.Sprintf("%d files", len(all)), nil
	})
	if err == nil {
		slices.Sort(unset)
		p.warn(b, slices.Compact(unset))
	}
	return err
}

// identify hashes the source set of each unit and returns the files of all images.
func identify(b *Built, units []*unit) ([]string, error) {
	for i := range b.Plan.Images {
		b.Plan.Images[i].Sources = map[string]string{}
	}
	files := source.NewFiles(b.Project.Root, b.Project.TreeRoot)
	var all []string
	for _, u := range units {
		sum, err := files.Hash(u.sources.Files)
		if err != nil {
			return nil, err
		}
		u.image.Sources[u.platform.String()] = sum
		all = append(all, u.sources.Files...)
	}
	for _, img := range b.Plan.Images {
		all = append(all, added(img)...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// added are the files of the source that an image has beside its programs.
func added(img plan.Image) []string {
	var files []string
	for _, f := range img.Files {
		if !f.Folder {
			files = append(files, f.Source)
		}
	}
	return files
}

// compare finds the files that differ from the commit, and marks the images that have any.
func (b *Built) compare(ctx context.Context, units []*unit, all []string) ([]string, error) {
	changed, err := b.Project.Dirty(ctx, all)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	b.note(changed)
	dirty := map[string]bool{}
	for _, file := range changed {
		dirty[file] = true
	}
	isDirty := func(file string) bool { return dirty[file] }
	for i := range b.Plan.Images {
		img := &b.Plan.Images[i]
		differs := slices.ContainsFunc(added(*img), isDirty)
		for _, u := range units {
			differs = differs || u.image == img && slices.ContainsFunc(u.sources.Files, isDirty)
		}
		if differs {
			b.Plan.MarkDirty(img)
		}
	}
	return changed, nil
}

// unchanged compares the sources of what was compiled with what they were before, so that
// the plan never names sources that another process was just writing. What an earlier run
// compiled was found by the hash of its sources.
func (p *Pipeline) unchanged(b *Built, units []*unit) error {
	files := source.NewFiles(b.Project.Root, b.Project.TreeRoot)
	for _, u := range units {
		if u.result.Cached {
			continue
		}
		sum, err := files.Hash(u.sources.Files)
		if err != nil {
			return err
		}
		if sum != u.image.Sources[u.platform.String()] {
			return fault.New(fault.Source, "the source changed while it was being built").WithFix("build again")
		}
	}
	return nil
}
