package publish

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/step"
)

// The outcomes of an attestation.
const (
	open     = "open"
	attached = "attached"
	present  = "present"
	failed   = "failed"
)

// attest attaches what is not attached yet, one after the other: two who write a
// fallback index at once lose one of their entries.
func (p *publication) attest(ctx context.Context, _ step.Step) (string, error) {
	done := 0
	for _, subject := range p.subjects() {
		n, err := p.attachTo(ctx, subject)
		done += n
		if err == nil {
			continue
		}
		if ctx.Err() != nil || p.Attach == Fail {
			return "", err
		}
		p.giveUp(subject, err)
	}
	if done == 0 && len(p.result.Notes) == 0 {
		return "all are there", nil
	}
	return fmt.Sprintf("%d of %s attached", done, step.Count(len(p.artifacts), "attestation")), nil
}

// subjects are what is attested, in order.
func (p *publication) subjects() []v1.Hash {
	var all []v1.Hash
	seen := map[v1.Hash]bool{}
	for _, a := range p.artifacts {
		if !seen[a.subject.Digest] {
			seen[a.subject.Digest] = true
			all = append(all, a.subject.Digest)
		}
	}
	return all
}

// attachTo attaches what belongs to one subject, and returns how much that was.
func (p *publication) attachTo(ctx context.Context, subject v1.Hash) (int, error) {
	there, err := p.Repository.Referrers(ctx, subject.String())
	if err != nil {
		return 0, err
	}
	has := map[v1.Hash]bool{}
	for _, d := range there {
		has[d.Digest] = true
	}
	var added []v1.Descriptor
	for i, a := range p.artifacts {
		if a.subject.Digest != subject {
			continue
		}
		if has[a.manifest.Digest] {
			p.result.Attestations[i].Outcome = present
			continue
		}
		if err := p.write(ctx, a); err != nil {
			return 0, err
		}
		added = append(added, a.listed)
	}
	if len(added) == 0 {
		return 0, nil
	}
	if err := p.Repository.Refer(ctx, subject, added...); err != nil {
		return 0, err
	}
	p.mark(subject, attached, "")
	return len(added), nil
}

// write brings an artifact's blobs and manifest there.
func (p *publication) write(ctx context.Context, a artifact) error {
	p.touched = true
	for _, blob := range a.blobs {
		if p.has[blob.Digest] {
			continue
		}
		if err := p.upload(ctx, blob); err != nil {
			return err
		}
	}
	return p.Repository.Put(ctx, a.manifest.Digest.String(), a.manifest, func(ctx context.Context) error {
		return p.sendBlobs(ctx, a.blobs, p.replace)
	})
}

// giveUp notes that a subject is not attested.
func (p *publication) giveUp(subject v1.Hash, err error) {
	p.mark(subject, failed, err.Error())
	p.result.Notes = append(p.result.Notes,
		fmt.Sprintf("%s is not attested in %s: %v", subject, p.Repository, err))
}

// mark writes the outcome of everything of a subject that was not settled before.
func (p *publication) mark(subject v1.Hash, outcome, why string) {
	for i, a := range p.artifacts {
		if r := &p.result.Attestations[i]; a.subject.Digest == subject && r.Outcome == open {
			r.Outcome, r.Why = outcome, why
		}
	}
}
