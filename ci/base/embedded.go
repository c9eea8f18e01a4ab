package base

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/plan"
)

// Builtin returns the embedded base for the wanted platforms, or for all.
func Builtin(platforms []plan.Platform) (*Base, error) {
	// The index is made for all of them even if one is wanted, because the digest
	// must not depend on what else is built.
	index, err := builtin.Index(every())
	if err != nil {
		return nil, err
	}
	b, err := embedded("builtin", index, platforms)
	if err != nil {
		return nil, err
	}
	digest, err := index.Digest()
	if err != nil {
		return nil, fmt.Errorf("reading the builtin base: %w", err)
	}
	b.Digest, b.Builtin = digest.String(), true
	return b, nil
}

// Scratch returns a base with nothing in it for the wanted platforms, or for all.
func Scratch(platforms []plan.Platform) (*Base, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range every() {
		image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		image, err := mutate.ConfigFile(image, &v1.ConfigFile{
			OS: p.OS, Architecture: p.Arch, Variant: p.Variant, RootFS: v1.RootFS{Type: "layers"},
		})
		if err != nil {
			return nil, fmt.Errorf("making an empty base for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant},
		}})
	}
	return embedded("scratch", index, platforms)
}

// embedded chooses from an index in memory by the rules for every other base.
func embedded(name string, index v1.ImageIndex, platforms []plan.Platform) (*Base, error) {
	raw, err := index.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the base %s: %w", name, err)
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the base %s: %w", name, err)
	}
	chosen, err := choose(name, m.children(), platforms)
	if err != nil {
		return nil, err
	}
	b := &Base{Name: name, Images: map[plan.Platform]v1.Image{}, Cached: true}
	for p, c := range chosen {
		if b.Images[p], err = index.Image(c.manifest); err != nil {
			return nil, fmt.Errorf("reading the base %s for %s: %w", name, p, err)
		}
	}
	return b, nil
}
