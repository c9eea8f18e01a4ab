// Package image assembles images: base layers by digest, our layers on top, and a
// configuration and index that say nothing but what the plan says. The same plan
// and binaries give the same bytes, whichever engine made the binaries.
package image

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/plan"
)

// Part is what one platform's image is made of.
type Part struct {
	Platform plan.Platform
	// Base is the platform's image of the base.
	Base v1.Image
	// Layers go on top of the base's, in this order.
	Layers []Layer
}

// Layer is one of our layers with the words that history has for it.
type Layer struct {
	v1.Layer
	CreatedBy string
}

// Index is an assembled image: always an index, also for one platform.
type Index struct {
	v1.ImageIndex
	// Digest identifies the index and with it everything below.
	Digest v1.Hash
	// Images are in the order of the index, that of their platforms' names.
	Images []Image
}

// Image is one platform's image in an index.
type Image struct {
	v1.Image
	Platform plan.Platform
	Digest   v1.Hash
	// Size is the compressed size of all layers and the configuration, in bytes.
	Size int64
}

// Assemble makes the index of a plan.
func Assemble(p plan.Image, parts []Part) (*Index, error) {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int { return a.Platform.Compare(b.Platform) })
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	out := &Index{}
	for _, part := range parts {
		img, err := assemble(p, part)
		if err != nil {
			return nil, fmt.Errorf("assembling the image for %s: %w", part.Platform, err)
		}
		out.Images = append(out.Images, *img)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add:        untyped{img.Image},
			Descriptor: v1.Descriptor{Platform: descriptor(part.Platform)},
		})
	}
	out.ImageIndex = mutate.Annotations(idx, annotations(p)).(v1.ImageIndex)
	var err error
	if out.Digest, err = out.ImageIndex.Digest(); err != nil {
		return nil, fmt.Errorf("computing the digest of the index: %w", err)
	}
	return out, nil
}

// Of is an index that was assembled before.
func Of(idx v1.ImageIndex) (*Index, error) {
	out := &Index{ImageIndex: idx}
	var err error
	if out.Digest, err = idx.Digest(); err != nil {
		return nil, fmt.Errorf("computing the digest of the index: %w", err)
	}
	list, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	for _, d := range list.Manifests {
		if d.Platform == nil {
			return nil, fmt.Errorf("the image %s of the index has no platform", d.Digest)
		}
		img, err := idx.Image(d.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		one, err := describe(img, plan.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant})
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, *one)
	}
	return out, nil
}

// untyped is an image whose descriptor has no artifactType, which is for artifacts.
// go-containerregistry writes the configuration's type there, and skopeo 1.9 cannot copy
// such an index with its digest.
type untyped struct{ v1.Image }

// ArtifactType is what go-containerregistry asks for.
func (untyped) ArtifactType() (string, error) { return "", nil }

func assemble(p plan.Image, part Part) (*Image, error) {
	base, err := baseLayers(part.Base)
	if err != nil {
		return nil, err
	}
	adds := base
	for _, l := range part.Layers {
		mediaType, err := l.MediaType()
		if err != nil {
			return nil, fmt.Errorf("asking for the type of a layer: %w", err)
		}
		adds = append(adds, mutate.Addendum{Layer: l.Layer, MediaType: mediaType, History: history(p, l.CreatedBy)})
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.Append(img, adds...); err != nil {
		return nil, fmt.Errorf("adding the layers: %w", err)
	}
	cfg, err := configuration(p, part, img)
	if err != nil {
		return nil, err
	}
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return nil, fmt.Errorf("setting the configuration: %w", err)
	}
	img = mutate.Annotations(img, annotations(p)).(v1.Image)
	return describe(img, part.Platform)
}

func describe(img v1.Image, p plan.Platform) (*Image, error) {
	digest, err := img.Digest()
	if err != nil {
		return nil, fmt.Errorf("computing the digest: %w", err)
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("making the manifest: %w", err)
	}
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return &Image{Image: img, Platform: p, Digest: digest, Size: size}, nil
}

func descriptor(p plan.Platform) *v1.Platform {
	return &v1.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}
}
