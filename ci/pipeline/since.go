package pipeline

import (
	"bytes"
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/registry"
)

// since counts the growth of what was published from what a moving tag pointed to before.
// It costs requests only where a tag moved, and what cannot be read is not counted: the
// images are where they belong.
func (p *Pipeline) since(ctx context.Context, made *receipt.Receipt, targets []target) {
	for i, t := range targets {
		if i >= len(made.Run.Publications) {
			return
		}
		one := made.Run.Publications[i]
		for j := range made.Images {
			img := &made.Images[j]
			before, tag := previous(one)
			if img.Name != one.Image || before == "" || img.Since != "" || img.Inspection == nil {
				continue
			}
			sizes, err := sizesOf(ctx, t.repository, before)
			if err != nil {
				continue
			}
			img.Since, img.Growth = t.repository.String()+":"+tag, nil
			for _, now := range img.Inspection.Images {
				if was, known := sizes[now.Platform]; known {
					img.Growth = append(img.Growth, inspect.Growth{Platform: now.Platform, Total: inspect.Change{Before: was, Now: now.Compressed}})
				}
			}
		}
	}
}

// previous is what the first moving tag of a publication pointed to, and its name.
func previous(p receipt.Publication) (digest, tag string) {
	for _, t := range p.Tags {
		if t.Moving && t.Before != "" && t.Before != p.Digest && t.Outcome == receipt.TagMoved {
			return t.Before, t.Name
		}
	}
	return "", ""
}

// sizesOf are the sizes of the images of an index as inspect counts them: configuration and
// compressed layers, in bytes.
func sizesOf(ctx context.Context, r *registry.Repository, digest string) (map[plan.Platform]int64, error) {
	text, _, err := r.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	sizes := map[plan.Platform]int64{}
	for _, d := range index.Manifests {
		if d.Platform == nil {
			continue
		}
		text, _, err := r.Manifest(ctx, d.Digest.String())
		if err != nil {
			return nil, err
		}
		m, err := v1.ParseManifest(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		size := m.Config.Size
		for _, layer := range m.Layers {
			size += layer.Size
		}
		sizes[plan.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant}.Normal()] = size
	}
	return sizes, nil
}
