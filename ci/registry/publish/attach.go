package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/registry"
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
	there, err := p.isAttested(ctx)
	if err != nil && (ctx.Err() != nil || p.Attach == Fail) {
		return "", err
	}
	if there {
		return "all are there", nil
	}
	done := 0
	for _, subject := range p.attested() {
		n, err := p.attachTo(ctx, subject)
		done += n
		if err == nil {
			continue
		}
		// The policy is about registries, not about those who sign.
		_, unmade := errors.AsType[*unmadeError](err)
		if ctx.Err() != nil || unmade || p.Attach == Fail {
			return "", err
		}
		p.giveUp(subject, err)
	}
	return fmt.Sprintf("%d of %s attached", done, step.Count(len(p.Attachments), "attestation")), nil
}

// unmadeError is an attestation that could not be made.
type unmadeError struct{ error }

func (e *unmadeError) Unwrap() error { return e.error }

// attested are the digests of what is attested, the index last: it tells a later run
// that the images have theirs.
func (p *publication) attested() []string {
	var all []string
	for _, a := range p.Attachments {
		if !slices.Contains(all, a.Subject) && a.Subject != p.result.Digest {
			all = append(all, a.Subject)
		}
	}
	if slices.ContainsFunc(p.Attachments, func(a Attachment) bool { return a.Subject == p.result.Digest }) {
		all = append(all, p.result.Digest)
	}
	return all
}

// isAttested tells whether an earlier run came to the end of attaching.
func (p *publication) isAttested(ctx context.Context) (bool, error) {
	if err := p.known(ctx, p.result.Digest); err != nil {
		return false, err
	}
	own := false
	for i, a := range p.Attachments {
		if a.Subject == p.result.Digest {
			if own = true; p.result.Attestations[i].Outcome != present {
				return false, nil
			}
		}
	}
	for i := range p.result.Attestations {
		if own {
			p.result.Attestations[i].Outcome = present
		}
	}
	return own, nil
}

// attachTo attaches what belongs to one subject, and returns how much that was.
func (p *publication) attachTo(ctx context.Context, subject string) (int, error) {
	if err := p.known(ctx, subject); err != nil {
		return 0, err
	}
	var added []v1.Descriptor
	for i, a := range p.Attachments {
		r := &p.result.Attestations[i]
		if a.Subject != subject || r.Outcome != open {
			continue
		}
		document, err := a.Document()
		if err != nil {
			return 0, &unmadeError{err}
		}
		made, err := newArtifact(document, a.Signer, p.subjects[subject], p.Created)
		if err != nil {
			return 0, err
		}
		if err := p.write(ctx, made); err != nil {
			return 0, err
		}
		r.Digest = made.manifest.Digest.String()
		added = append(added, made.listed)
	}
	if len(added) == 0 {
		return 0, nil
	}
	if err := p.Repository.Refer(ctx, p.subjects[subject].Digest, added...); err != nil {
		return 0, err
	}
	p.mark(subject, attached, "")
	return len(added), nil
}

// known marks what a subject has already.
func (p *publication) known(ctx context.Context, subject string) error {
	there, err := p.Repository.Referrers(ctx, subject)
	if err != nil {
		return err
	}
	for _, d := range there {
		if d, err = p.labelled(ctx, d); err != nil {
			return err
		}
		for i, a := range p.Attachments {
			if r := &p.result.Attestations[i]; a.Subject == subject && r.Outcome == open && a.is(d) {
				r.Outcome, r.Digest = present, d.Digest.String()
			}
		}
	}
	return nil
}

// labelled completes the descriptor of a referrer: some registries leave out what its
// manifest says.
func (p *publication) labelled(ctx context.Context, d v1.Descriptor) (v1.Descriptor, error) {
	if len(d.Annotations) > 0 {
		return d, nil
	}
	content, _, err := p.Repository.Manifest(ctx, d.Digest.String())
	if errors.Is(err, registry.ErrNotFound) {
		return d, nil // a list that names what is gone
	}
	if err != nil {
		return d, err
	}
	var m v1.Manifest
	if json.Unmarshal(content, &m) == nil {
		d.Annotations = m.Annotations
	}
	return d, nil
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
func (p *publication) giveUp(subject string, err error) {
	p.mark(subject, failed, err.Error())
	p.result.Notes = append(p.result.Notes,
		fmt.Sprintf("%s is not attested in %s: %v", subject, p.Repository, err))
}

// mark writes the outcome of everything of a subject that was not settled before.
func (p *publication) mark(subject, outcome, why string) {
	for i, a := range p.Attachments {
		if r := &p.result.Attestations[i]; a.Subject == subject && r.Outcome == open {
			r.Outcome, r.Why = outcome, why
		}
	}
}
