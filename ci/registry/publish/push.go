package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/step"
)

// parallel is how many blobs are sent at a time.
const parallel = 4

// push brings everything there that a tag will point to, and reads it back.
func (p *publication) push(ctx context.Context, _ step.Step) (string, error) {
	_, found, err := p.Repository.Head(ctx, p.index.Digest.String())
	if err != nil {
		return "", err
	}
	if found {
		switch err := p.readBack(ctx); {
		case err == nil:
			p.result.Present = len(p.blobs)
			return "it is there", nil
		case !errors.Is(err, registry.ErrNotFound):
			return "", err
		}
	}
	p.touched = true
	if err := p.send(ctx, p.upload); err != nil {
		return "", err
	}
	// Some registries forget, or need a while to know, what they have just taken.
	err = p.readBack(ctx)
	for n := 0; n < 2 && errors.Is(err, registry.ErrNotFound); n++ {
		if err = p.resend(ctx); err == nil {
			err = p.readBack(ctx)
		}
	}
	return p.sent(), err
}

// send brings blobs, then the images' manifests, then the index.
func (p *publication) send(ctx context.Context, upload func(context.Context, registry.Content) error) error {
	if err := p.sendBlobs(ctx, p.blobs, upload); err != nil {
		return err
	}
	for _, img := range p.images {
		err := p.Repository.Put(ctx, img.manifest.Digest.String(), img.manifest, func(ctx context.Context) error {
			return p.sendBlobs(ctx, img.blobs, p.replace)
		})
		if err != nil {
			return err
		}
	}
	return p.Repository.Put(ctx, p.index.Digest.String(), p.index, p.resendImages)
}

// resend brings everything there again: the registry does not have what it said.
func (p *publication) resend(ctx context.Context) error { return p.send(ctx, p.replace) }

func (p *publication) resendImages(ctx context.Context) error {
	if err := p.sendBlobs(ctx, p.blobs, p.replace); err != nil {
		return err
	}
	for _, img := range p.images {
		if err := p.Repository.Put(ctx, img.manifest.Digest.String(), img.manifest, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *publication) sendBlobs(ctx context.Context, blobs []registry.Content, upload func(context.Context, registry.Content) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, blob := range blobs {
		group.Go(func() error { return upload(ctx, blob) })
	}
	return group.Wait()
}

func (p *publication) upload(ctx context.Context, blob registry.Content) error {
	outcome, err := p.Repository.Upload(ctx, blob, p.from(blob.Digest))
	if err == nil {
		p.count(blob, outcome)
	}
	return err
}

func (p *publication) replace(ctx context.Context, blob registry.Content) error {
	outcome, err := p.Repository.Replace(ctx, blob)
	if err == nil {
		p.count(blob, outcome)
	}
	return err
}

func (p *publication) count(blob registry.Content, outcome registry.Outcome) {
	p.counts.Lock()
	defer p.counts.Unlock()
	p.has[blob.Digest] = true
	switch outcome {
	case registry.Present:
		p.result.Present++
	case registry.Mounted:
		p.result.Mounted++
	case registry.Uploaded:
		p.result.Uploaded++
		p.result.Bytes += blob.Size
	}
}

// from names a repository of the same registry that was given the blob before.
func (p *publication) from(blob v1.Hash) string {
	for _, other := range p.others {
		if other.has[blob] {
			return other.Repository.String()
		}
	}
	return ""
}

func (p *publication) sent() string {
	r := p.result
	text := fmt.Sprintf("%s sent, %s", step.Count(r.Uploaded, "blob"), step.Size(r.Bytes))
	if r.Mounted > 0 {
		text += fmt.Sprintf(", %d mounted", r.Mounted)
	}
	if r.Present > 0 {
		text += fmt.Sprintf(", %d there before", r.Present)
	}
	return text
}

// readBack reads index and images as somebody who pulls them does, and compares.
func (p *publication) readBack(ctx context.Context) error {
	all := []registry.Manifest{p.index}
	for _, img := range p.images {
		all = append(all, img.manifest)
	}
	for _, want := range all {
		content, d, err := p.Repository.Manifest(ctx, want.Digest.String())
		if err != nil {
			return err
		}
		if !bytes.Equal(content, want.Content) || d.MediaType != want.MediaType {
			return fault.New(fault.Registry, "reading back %s@%s: the registry has it as %d bytes of %s and not as %d of %s",
				p.Repository, want.Digest, d.Size, d.MediaType, want.Size, want.MediaType).
				WithFix("look whether something before the registry changes what is sent")
		}
	}
	return nil
}
