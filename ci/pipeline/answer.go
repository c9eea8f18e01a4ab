package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/answer"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/gocache"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/step"
)

// inputs are what decides the images of a run, where all of that is certain.
type inputs struct {
	answer.Inputs
	files answer.Files
}

// answer gives b the images that an earlier run made of the same inputs, if there was one:
// from what this machine keeps, else from the place that --cache-from names. It starts no
// engine. What does not fit is no answer, and is built.
func (p *Pipeline) answer(ctx context.Context, b *Built) (bool, error) {
	if !p.Answer || p.Fresh != "" || len(b.Plan.Run.PreBuild) > 0 {
		return false, nil
	}
	identify := p.Program
	if identify == nil {
		identify = answer.Program
	}
	program, err := identify()
	if err != nil {
		return false, nil
	}
	if b.inputs, err = p.inputsOf(ctx, b, program); err != nil {
		return false, ctx.Err()
	}
	if p.answerKept(ctx, b) {
		return true, nil
	}
	return p.answerFrom(ctx, b), ctx.Err()
}

// inputsOf identifies what decides the images.
func (p *Pipeline) inputsOf(ctx context.Context, b *Built, program string) (*inputs, error) {
	at := func(name string) string {
		if name == "" {
			return ""
		}
		rel, err := filepath.Rel(b.Project.TreeRoot, name)
		if err != nil {
			return name
		}
		return filepath.ToSlash(rel)
	}
	run, project := b.Plan.Run, b.Project
	in := &inputs{Inputs: answer.Inputs{
		Program: program, Engine: run.Engine, Host: run.EngineHost, Images: b.Plan.Clone().Images, AllPlatforms: b.Plan.AllPlatforms,
		Flags: p.getenv("GOFLAGS"), Root: at(project.Root), Workspace: at(project.Workspace), Vendor: project.Vendor,
	}}
	for _, dir := range project.ModuleFolders {
		in.Modules = append(in.Modules, at(dir))
	}
	var err error
	in.files, err = p.files(ctx, b)
	in.Tree = in.files.Hash
	return in, err
}

// files hashes what the go command may read of the tree.
func (p *Pipeline) files(ctx context.Context, b *Built) (answer.Files, error) {
	run := b.Plan.Run
	place := answer.Place{Tree: b.Project.TreeRoot, Roots: append([]string{b.Project.Root}, b.Project.ModuleFolders...)}
	if w := b.Project.Workspace; w != "" {
		place.Roots = append(place.Roots, w, w+".sum", filepath.Join(filepath.Dir(w), "vendor"))
	}
	for _, dir := range []string{run.Output, p.Cache, run.Caches.From, run.Caches.To} {
		if real, err := filepath.EvalSymlinks(dir); err == nil && filepath.IsAbs(dir) {
			place.Except = append(place.Except, dir, real)
		}
	}
	return answer.Hash(ctx, place)
}

// records are those of this machine.
func (p *Pipeline) records() answer.Records {
	return answer.Records{Dir: filepath.Join(p.Cache, "answers")}
}

// answerKept assembles the images anew from the layers that this machine keeps.
func (p *Pipeline) answerKept(ctx context.Context, b *Built) bool {
	found, ok := p.records().Find(b.inputs.Key(), b.Project.Root)
	if !ok {
		return false
	}
	trial := *b
	trial.Plan = b.Plan.Clone()
	kept, err := p.keptBase(ctx, &trial)
	if err != nil || !trial.recall(found) {
		return false
	}
	trial.units = p.unitsOf(&trial)
	for _, u := range trial.units {
		u.result.Cached = true
		for i, sum := range imageOf(found, u.image.Name).Programs[u.platform.String()] {
			if i < len(u.image.Mains) {
				u.result.Binaries = append(u.result.Binaries, engine.Binary{Main: u.image.Mains[i], Platform: u.platform, SHA256: sum})
			}
		}
	}
	silent := *p
	silent.Reporter = step.Silent{}
	if err := silent.assemble(p.layerStore().Kept(), &trial, kept, trial.units); err != nil {
		return false
	}
	for i := range trial.Images {
		if trial.Images[i].Index.Digest.String() != found.Images[i].Digest {
			return false
		}
		trial.Images[i].Binaries = nil
	}
	*b = trial
	p.answered(p.Reporter.Start("record"), b, found, "the record")
	p.carry(ctx, b, found)
	return true
}

// answerFrom brings the images from where caches are restored from. Whoever can write there
// can change what this run has, as with the caches themselves.
func (p *Pipeline) answerFrom(ctx context.Context, b *Built) bool {
	caches := b.Plan.Run.Caches
	if caches.From == "" {
		return false
	}
	from, err := p.store(b, caches.From, false)
	if err != nil {
		return false // the caches say so
	}
	keys, err := p.vouchers(b)
	if err != nil {
		return false // the caches say so
	}
	offer, err := answer.Look(ctx, from, b.inputs.Key(), caches.Limit, keys.trust)
	if errors.Is(err, gocache.ErrUntrusted) {
		p.Reporter.Note(fmt.Sprintf("the images in %s are of no use: %v", caches.From, err))
	}
	if err != nil {
		return false // there are none, or the caches tell what is wrong
	}
	s := p.Reporter.Start("record")
	trial := *b
	trial.Plan = b.Plan.Clone()
	found, err := trial.take(ctx, offer, filepath.Join(p.Cache, "images"))
	if err != nil {
		s.Done("of no use")
		p.Reporter.Note(fmt.Sprintf("the images in %s are of no use: %v", caches.From, err))
		return false
	}
	*b = trial
	p.answered(s, b, found, caches.From)
	return true
}

// take gives b the images that are offered, if they are of b's plan.
func (b *Built) take(ctx context.Context, offer *answer.Offer, dir string) (answer.Record, error) {
	found, images, err := offer.Take(ctx, dir)
	if err != nil {
		return found, err
	}
	another := errors.New("they are of another plan")
	if !b.recall(found) {
		return found, another
	}
	for i, idx := range images {
		b.Plan.Images[i].Base, b.Plan.Images[i].Platforms = found.Images[i].Base, found.Images[i].Platforms
		made := Image{Plan: b.Plan.Images[i]}
		if made.Index, err = image.Of(idx); err != nil {
			return found, err
		}
		if !made.planned() {
			return found, another
		}
		b.Images = append(b.Images, made)
	}
	return found, nil
}

// planned tells whether an image says of itself that it was made of its plan.
func (made Image) planned() bool {
	var platforms []string
	for _, one := range made.Index.Images {
		cfg, err := one.ConfigFile()
		if err != nil || cfg.Config.Labels[image.PlanLabel] != made.Plan.Hash(one.Platform) {
			return false
		}
		platforms = append(platforms, one.Platform.String())
	}
	var want []string
	for _, t := range made.Plan.Platforms {
		want = append(want, t.String())
	}
	slices.Sort(want)
	return slices.Equal(platforms, want)
}

// recall puts into the plan what a run found out about the sources. It is false where the
// record is of other images.
func (b *Built) recall(found answer.Record) bool {
	if len(found.Images) != len(b.Plan.Images) {
		return false
	}
	for i := range b.Plan.Images {
		img, was := &b.Plan.Images[i], found.Images[i]
		if img.Name != was.Name {
			return false
		}
		img.Sources = was.Sources
		if was.Dirty {
			b.Plan.MarkDirty(img)
		}
	}
	b.dirty = found.Dirty
	return true
}

func imageOf(r answer.Record, name string) answer.Image {
	i := slices.IndexFunc(r.Images, func(i answer.Image) bool { return i.Name == name })
	return r.Images[i]
}

// answered tells what happened.
func (p *Pipeline) answered(s step.Step, b *Built, found answer.Record, where string) {
	summary := fmt.Sprintf("unchanged since %s, answered from %s", found.Made.UTC().Format("2006-01-02 15:04 MST"), where)
	if n := len(found.Dirty); n > 0 {
		summary += fmt.Sprintf(", %d not as committed: %s", n, found.Dirty[0])
	}
	s.Cached(strings.Join([]string{summary, p.sizes(b)}, ", "))
	p.warn(b, found.Unset)
}
