package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

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
	z.Program, err = program(img, compression)
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

// program is what the program of the last layer takes in its compression. What is before
// it in the layer stays there, and is taken off again: deflate gives and takes ten thousand
// bytes by where it starts.
func program(img v1.Image, compression string) (int64, error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	r, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var before bytes.Buffer
	for entries := tar.NewReader(io.TeeReader(r, &before)); ; {
		h, err := entries.Next()
		if err != nil {
			return 0, fmt.Errorf("looking for the program: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		head := bytes.Clone(before.Bytes())
		alone, err := compressed(bytes.NewReader(head), compression)
		if err != nil {
			return 0, err
		}
		all, err := compressed(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, h.Size)), compression)
		return all - alone, err
	}
}

// count counts what is written.
type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}

// compressed is the size that a layer's compression makes of something.
func compressed(r io.Reader, compression string) (int64, error) {
	var total count
	w, err := layer.Compression(compression).Writer(&total)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(w, r)
	return int64(total), errors.Join(err, w.Close())
}
