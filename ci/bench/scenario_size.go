package main

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/layer"
)

// sizes is not a matter of time: what Slipway's image has in addition to base and
// program, in each compression.
func sizes() scenario {
	return scenario{name: "size", says: "What a registry transfers of Slipway's image: manifest, configuration and layers. Over the limit is what is in it beside the base and the program, as it is compressed in its place."}
}

// sizes builds a service in each compression and looks at the image.
func (b *bench) sizes(ctx context.Context, s *service) ([]size, error) {
	var all []size
	for _, t := range b.tools {
		if t.name() != slipwayLocal {
			continue
		}
		for _, compression := range []string{"gzip", "zstd"} {
			if err := s.change(saved); err != nil {
				return nil, err
			}
			j, err := b.job(s, variant{})
			if err != nil {
				return nil, err
			}
			steps := t.build(j)
			steps[0][0].args = append(steps[0][0].args, "--compression", compression)
			b.say("%s, %s", s.name, compression)
			if err := b.do(ctx, s.dir, steps); err != nil {
				return nil, err
			}
			one, err := weigh(j.out, compression)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// weigh reads the one image in the one OCI layout of a folder.
func weigh(out, compression string) (size, error) {
	img, err := only(out)
	if err != nil {
		return size{}, err
	}
	m, err := img.Manifest()
	if err != nil {
		return size{}, err
	}
	z := size{Compression: compression, Image: m.Config.Size}
	own, err := img.Size()
	if err != nil {
		return size{}, err
	}
	z.Image += own
	for i, l := range m.Layers {
		z.Image += l.Size
		if i < len(m.Layers)-1 {
			z.Base += l.Size
		}
	}
	z.Program, err = rig.ProgramSize(img, layer.Compression(compression))
	return z, err
}

// only is the image of a layout that has one.
func only(out string) (v1.Image, error) {
	dirs, err := filepath.Glob(filepath.Join(out, "*", "index.json"))
	if err != nil {
		return nil, err
	}
	if len(dirs) != 1 {
		return nil, fmt.Errorf("%s has %d layouts", out, len(dirs))
	}
	index, err := layout.ImageIndexFromPath(filepath.Dir(dirs[0]))
	for err == nil {
		var m *v1.IndexManifest
		if m, err = index.IndexManifest(); err != nil {
			break
		}
		if len(m.Manifests) != 1 {
			return nil, fmt.Errorf("%s has %d images", out, len(m.Manifests))
		}
		if m.Manifests[0].MediaType.IsImage() {
			return index.Image(m.Manifests[0].Digest)
		}
		index, err = index.ImageIndex(m.Manifests[0].Digest)
	}
	return nil, err
}
