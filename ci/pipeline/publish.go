package pipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tag"
)

// Publish says how to publish.
type Publish struct {
	Checks
	// DryRun reads registries and writes nothing.
	DryRun bool
	// AllowDirty publishes sources that differ from the commit.
	AllowDirty bool
}

// Published is what publishing leaves.
type Published struct{ *Checked }

// References are the images by digest, in every repository.
func (p *Published) References() []string {
	var refs []string
	for _, one := range p.Receipt.Run.Publications {
		refs = append(refs, one.Repository+"@"+one.Digest)
	}
	return refs
}

// Publish checks the images and brings what passed to the targets: everything below a
// tag before the tag. What a registry refuses then is in the receipt and in Err; an error
// here says that the gates came to no verdict.
func (p *Pipeline) Publish(ctx context.Context, said Said, how Publish) (*Published, error) {
	how.Describe = true
	published := &Published{}
	var err error
	published.Checked, err = p.recorded(ctx, said, receipt.Request{Verb: "publish"}, how.Checks, func(own *Pipeline, done *Checked) error {
		if err := publishable(done.Built); err != nil {
			return err
		}
		signer, err := own.signer(ctx, done.Built, how)
		if err != nil {
			return err
		}
		targets, err := own.preflight(ctx, done.Built, how)
		if err != nil {
			return err
		}
		done.clean, done.published = !how.AllowDirty, true
		if err := own.judged(ctx, done, said, how.Checks); err != nil {
			return err
		}
		if done.Receipt.Verdict == receipt.Passed {
			done.refused = own.bring(ctx, done.Built, done.Receipt, targets, signer, how)
		}
		return nil
	})
	return published, err
}

// publishable refuses what nobody could trace back to a commit.
func publishable(b *Built) error {
	run := b.Plan.Run
	switch {
	case len(run.Targets) == 0:
		return fault.New(fault.Usage, "nobody said where to publish").WithFix("name a repository with --target, or target: in .slipway.yaml")
	case b.Plan.Untagged != nil:
		return b.Plan.Untagged
	case len(b.Plan.Tags) == 0:
		return fault.New(fault.Usage, "no rule gives the image a tag").WithFix("name one with --image-tag, such as type=sha")
	case b.Project.Git.Shallow && !b.Project.Git.HasTags && !b.Plan.Said("version"):
		return fault.New(fault.Usage, "the clone is shallow and has no tags, so nobody knows the version").
			WithFix("fetch with --tags --unshallow (fetch-depth: 0 in actions/checkout), or say --version")
	}
	return nil
}

// target is one repository of one image.
type target struct {
	image      string
	repository *registry.Repository
}

// preflight finds out that every registry can be written to before minutes are spent on
// building.
func (p *Pipeline) preflight(ctx context.Context, b *Built, how Publish) ([]target, error) {
	keychain, err := p.keychain(b)
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, img := range b.Plan.Images {
		for _, name := range b.Plan.Repositories(img) {
			repository, err := registry.Open(name, registry.Options{
				Push: true, PlainHTTP: b.Plan.Run.Publish.PlainHTTP, Keychain: keychain, From: append([]string{b.Plan.Image.Base.Name}, b.Plan.Run.Targets...),
			})
			if err != nil {
				return nil, err
			}
			targets = append(targets, target{img.Name, repository})
		}
	}
	if how.DryRun {
		return targets, nil
	}
	return targets, each(ctx, targets, func(ctx context.Context, t target) error {
		return step.Run(p.Reporter, "preflight "+t.repository.String(), func(step.Step) (string, error) {
			return permitted(ctx, b, t.repository)
		})
	})
}

// permitted asks for the right to push, unless a tag that never changes is there already:
// then either nothing is pushed, or it is refused for that.
func permitted(ctx context.Context, b *Built, r *registry.Repository) (string, error) {
	at := slices.IndexFunc(b.Plan.Tags, func(t tag.Tag) bool { return !t.Moving })
	if at >= 0 && !b.Plan.Run.Publish.Overwrite {
		d, found, err := r.Head(ctx, b.Plan.Tags[at].Name)
		if found {
			return b.Plan.Tags[at].Name + " is there: " + d.Digest.String(), nil
		}
		// Who may not read is told below that the right to push is missing.
		if _, answered := errors.AsType[*transport.Error](err); err != nil && !answered {
			return "", err
		}
	}
	return "may push", r.CheckPush(ctx)
}

// bring publishes what passed. What became of it is in the receipt.
func (p *Pipeline) bring(ctx context.Context, b *Built, made *receipt.Receipt, targets []target, by signer, how Publish) error {
	documents, err := p.attest(ctx, b, made, by)
	if err != nil {
		return unpublished(made, err)
	}
	var all []publish.Publication
	for _, t := range targets {
		at := slices.IndexFunc(b.Images, func(i Image) bool { return i.Plan.Name == t.image })
		all = append(all, p.publication(b, b.Images[at], t.repository, documents[at]))
	}
	results, err := p.run(ctx, how, all)
	for i, r := range results {
		made.Run.Publications = append(made.Run.Publications, recorded(targets[i].image, r, by.name))
	}
	if err == nil {
		if !how.DryRun {
			p.since(ctx, made, targets)
		}
		err = p.placeAll(b, made, documents, by, how)
	}
	if err != nil {
		return unpublished(made, err)
	}
	return nil
}

// placeAll brings the images to the targets on this machine, or finds out what it would do.
func (p *Pipeline) placeAll(b *Built, made *receipt.Receipt, documents [][]publish.Attachment, by signer, how Publish) error {
	name, place := "write ", p.place
	if how.DryRun {
		name, place = "look at ", p.planPlace
	}
	for i, img := range b.Images {
		for _, where := range b.Plan.Places(img.Plan) {
			err := step.Run(p.Reporter, name+where, func(step.Step) (string, error) {
				r, err := place(where, p.publication(b, img, nil, documents[i]))
				if err == nil {
					made.Run.Publications = append(made.Run.Publications, recorded(img.Plan.Name, r, by.name))
				}
				return img.Index.Digest.String(), err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run carries the transaction out, or finds out what it would do.
func (p *Pipeline) run(ctx context.Context, how Publish, all []publish.Publication) ([]publish.Result, error) {
	if len(all) == 0 {
		return nil, nil
	}
	if !how.DryRun {
		return publish.Run(ctx, p.Reporter, all...)
	}
	steps, results, err := publish.Plan(ctx, p.Reporter, all...)
	p.tell(steps)
	return results, err
}

// tell says what would be done.
func (p *Pipeline) tell(steps []publish.Step) {
	for _, s := range steps {
		note := s.Action + " " + s.Object + " in " + s.Repository
		if s.Size > 0 {
			note += ", " + step.Size(s.Size)
		}
		p.Reporter.Note(note)
	}
}

// unpublished marks a receipt, and the publications that did not come to their end.
func unpublished(made *receipt.Receipt, err error) error {
	made.Verdict = receipt.Unpublished
	told, _ := errors.AsType[*fault.Error](err)
	for i := range made.Run.Publications {
		if p := &made.Run.Publications[i]; p.State == receipt.Incomplete {
			p.Fault = err.Error()
			if told != nil {
				p.Fault, p.Fix = told.What, told.Fix
			}
		}
	}
	return err
}

// clean refuses sources of which the commit tells nothing.
func clean(b *Built) error {
	for _, img := range b.Plan.Images {
		if img.Dirty {
			return fault.New(fault.Usage, "sources of %s differ from the commit", img.Name).
				WithFix("commit them, or publish them nevertheless with --allow-dirty")
		}
	}
	return nil
}
