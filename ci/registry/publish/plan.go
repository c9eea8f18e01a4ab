package publish

import (
	"context"

	"example.com/slipway/ci/step"
)

// Step is one thing that Run would do.
type Step struct {
	Repository string
	// Action is upload, push, attach, create, move or keep.
	Action string
	// Object is the digest or tag that it is done to, or what is attached to which digest.
	Object string
	// Size is that of what would be sent, in bytes.
	Size int64
}

// Plan finds out what Run would do, in its order. It only reads.
func Plan(ctx context.Context, to step.Reporter, publications ...Publication) ([]Step, []Result, error) {
	all, err := prepare(publications)
	if err != nil {
		return nil, nil, err
	}
	var steps []Step
	phases := []func(context.Context, *publication) ([]Step, error){planPush, planAttach, planTags(false), planTags(true)}
	if err = each(ctx, to, all, "look at", (*publication).look); err == nil {
		for _, phase := range phases {
			for _, p := range all {
				more, failure := phase(ctx, p)
				if failure != nil {
					return nil, planned(all), failure
				}
				steps = append(steps, more...)
			}
		}
	}
	return steps, planned(all), err
}

func planned(all []*publication) []Result {
	list := results(all, nil)
	for i := range list {
		list[i].State = Planned
	}
	return list
}

func (p *publication) step(action, object string, size int64) Step {
	return Step{Repository: p.result.Repository, Action: action, Object: object, Size: size}
}

func planPush(ctx context.Context, p *publication) ([]Step, error) {
	if !p.needs("push") {
		return nil, nil
	}
	_, found, err := p.Repository.Head(ctx, p.index.Digest.String())
	if err != nil || found {
		return nil, err
	}
	var steps []Step
	for _, blob := range p.blobs {
		there, err := p.Repository.HasBlob(ctx, blob.Descriptor)
		if err != nil {
			return nil, err
		}
		if there {
			p.result.Present++
			continue
		}
		p.result.Uploaded++
		p.result.Bytes += blob.Size
		steps = append(steps, p.step("upload", blob.Digest.String(), blob.Size))
	}
	for _, img := range p.images {
		steps = append(steps, p.step("push", img.manifest.Digest.String(), img.manifest.Size))
	}
	return append(steps, p.step("push", p.index.Digest.String(), p.index.Size)), nil
}

func planAttach(ctx context.Context, p *publication) ([]Step, error) {
	if there, err := p.isAttested(ctx); there || err != nil {
		return nil, err
	}
	for _, subject := range p.attested() {
		if err := p.known(ctx, subject); err != nil {
			return nil, err
		}
	}
	var steps []Step
	for i, a := range p.Attachments {
		if p.result.Attestations[i].Outcome == open {
			steps = append(steps, p.step("attach", a.PredicateType+" to "+a.Subject, 0))
		}
	}
	return steps, nil
}

func planTags(moving bool) func(context.Context, *publication) ([]Step, error) {
	return func(_ context.Context, p *publication) ([]Step, error) { return p.planTags(moving), nil }
}

func (p *publication) planTags(moving bool) []Step {
	var steps []Step
	for _, t := range p.result.Tags {
		switch {
		case t.Moving != moving:
		case t.Outcome == TagKept:
			steps = append(steps, p.step("keep", t.Name, 0))
		case t.Outcome == TagOpen && t.Before == "":
			steps = append(steps, p.step("create", t.Name, 0))
		case t.Outcome == TagOpen:
			steps = append(steps, p.step("move", t.Name, 0))
		}
	}
	return steps
}
