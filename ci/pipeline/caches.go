package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/gocache"
	"example.com/slipway/ci/step"
)

// restore brings the go command's caches to the engine. A cache that cannot be had costs
// time and nothing else: the run goes on and says so. What is published is built without,
// unless a key is named that has to have signed it, or somebody on this machine says that all
// who can write to the cache may change it.
func (p *Pipeline) restore(ctx context.Context, b *Built) error {
	caches := b.Plan.Run.Caches
	if caches.From == "" && caches.To == "" || p.Fresh != "" {
		return nil
	}
	e, ok := b.engine.(engine.Caching)
	if !ok {
		return nil // whole images alone are carried
	}
	keys, err := p.vouchers(b)
	if err != nil {
		return err
	}
	switch {
	case caches.From == "":
	case b.published && !caches.Trusted && keys.trust == nil:
		p.Reporter.Note("nothing is restored from " + caches.From + ": what is published is built without, or with what a key signed, --cache-key, or with --cache-trusted")
	default:
		if err := p.restoreFrom(ctx, b, e, keys.trust); err != nil {
			return err
		}
	}
	if caches.To == "" {
		return nil
	}
	return gocache.Mark(e.Objects(), time.Now())
}

func (p *Pipeline) restoreFrom(ctx context.Context, b *Built, e engine.Caching, trust *sign.Trust) error {
	caches := b.Plan.Run.Caches
	from, err := p.store(b, caches.From, false)
	if err != nil {
		return err
	}
	s := p.Reporter.Start("cache")
	into := gocache.Into{Objects: e.Objects(), Limit: caches.Limit, Trust: trust}
	if !b.published {
		// What is published is described with the licences of whole modules.
		into.Modules = filepath.Join(p.Cache, "modules")
	}
	done, err := gocache.Restore(ctx, from, b.key(), into)
	switch {
	case ctx.Err() != nil:
		s.Fail(context.Cause(ctx))
		return context.Cause(ctx)
	case errors.Is(err, gocache.ErrNone):
		s.Done(caches.From + " has none yet")
		return nil
	case err != nil:
		s.Done("nothing restored")
		p.Reporter.Note(fmt.Sprintf("the cache %s is of no use: %v", caches.From, err))
		return nil
	}
	summary := fmt.Sprintf("%s, %s", step.Count(int(done.Files), "file"), step.Size(done.Size))
	if b.lost = done.Lost > 0 && caches.To == caches.From; done.Lost > 0 {
		summary += fmt.Sprintf(", %s not whole", step.Count(int(done.Lost), "layer"))
	}
	if done.Modules != "" {
		e.UseModules(done.Modules, func() {
			p.Reporter.Note("the restored modules are not all that the program needs: the ordinary module cache is used")
		})
	} else {
		summary += ", no modules"
	}
	s.Done(summary)
	return nil
}

// save keeps what the build used of the go command's caches, after a run that ended well.
// Where it cannot, the run has its result nevertheless.
func (p *Pipeline) save(ctx context.Context, b *Built) {
	caches := b.Plan.Run.Caches
	e, ok := b.engine.(engine.Caching)
	if !ok || caches.To == "" || p.Fresh != "" {
		return
	}
	s := p.Reporter.Start("save cache")
	summary, err := p.saved(ctx, b, e)
	if err != nil {
		s.Done("not saved")
		p.Reporter.Note(fmt.Sprintf("the cache is not saved to %s: %v", caches.To, err))
		return
	}
	s.Done(summary)
}

func (p *Pipeline) saved(ctx context.Context, b *Built, e engine.Caching) (string, error) {
	if why := p.foreign(); why != "" {
		return "not saved: " + why, nil
	}
	for _, u := range b.units {
		if u.result.Cached {
			return "not saved: nothing was compiled", nil
		}
	}
	to, err := p.store(b, b.Plan.Run.Caches.To, true)
	if err != nil {
		return "", err
	}
	keys, err := p.vouchers(b)
	if err != nil {
		return "", err
	}
	files, err := carried(ctx, b, e)
	if err != nil {
		return "", err
	}
	done, err := gocache.Save(ctx, to, b.key(), files, gocache.How{Limit: b.Plan.Run.Caches.Limit, Renew: b.lost, Sign: keys.by})
	switch {
	case err != nil:
		return "", err
	case done.Skipped != "":
		return fmt.Sprintf("not saved: %s, %s", done.Skipped, step.Size(done.Size)), nil
	}
	return fmt.Sprintf("%s, %s of them new", step.Size(done.Size), step.Size(done.Sent)), nil
}

// together are the targets of units, those as one that are compiled alike: of a repository
// with fifty services the engine is asked once for each platform. What is set by the linker
// is in no cache.
func together(units []*unit) []engine.Target {
	var all []engine.Target
	for _, u := range units {
		t := u.target()
		t.Build.Vars = nil
		i := slices.IndexFunc(all, func(o engine.Target) bool { return o.Platform == t.Platform && reflect.DeepEqual(o.Build, t.Build) })
		if i < 0 {
			t.Mains = slices.Clone(t.Mains)
			all = append(all, t)
			continue
		}
		all[i].Mains = append(all[i].Mains, t.Mains...)
	}
	return all
}

// carried are the files of both caches that the builds used.
func carried(ctx context.Context, b *Built, e engine.Caching) ([]gocache.File, error) {
	groups, modules := map[string]string{}, map[string]gocache.File{}
	for _, t := range together(b.units) {
		needs, err := e.Needs(ctx, t)
		if err != nil {
			return nil, err
		}
		for file, group := range needs.Archives {
			groups[file] = group
		}
		for name, group := range needs.Modules {
			f := gocache.File{Part: gocache.Modules, Name: name, Group: group}
			path := filepath.Join(needs.Cache, filepath.FromSlash(name))
			info, err := os.Lstat(path)
			if err != nil {
				return nil, err
			}
			if info.Mode().IsRegular() {
				f.Path, f.Size = path, info.Size()
			}
			modules[name] = f
		}
	}
	if err := e.Collect(ctx); err != nil {
		return nil, err
	}
	files, err := gocache.Used(e.Objects())
	if err != nil {
		return nil, err
	}
	for i := range files {
		// All else is small, and changes whenever anything does.
		files[i].Group = groups[files[i].Path]
	}
	for _, f := range modules {
		files = append(files, f)
	}
	return files, nil
}
