package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/gocache"
)

// fetches is how many layers are on their way at once, each of them in memory.
const fetches = 4

// keepImages bounds the images that came from elsewhere, in bytes.
const keepImages = 1 << 30

// Offer is an answer that a store has.
type Offer struct {
	from gocache.Store
	key  string
	m    gocache.Manifest
}

// Look finds the answer for a key, from whom it has to be; nil is anybody. The error wraps
// gocache.ErrNone where there is none, and gocache.ErrUntrusted where somebody else signed it.
func Look(ctx context.Context, from gocache.Store, key string, limit int64, trust *sign.Trust) (*Offer, error) {
	text, err := from.Manifest(ctx, Tag(key))
	if err != nil {
		return nil, err
	}
	m, err := read(text, limit)
	if err == nil && trust != nil {
		_, err = seal.Verify(ctx, m, trust, m.Config.Digest)
	}
	return &Offer{from, key, m}, err
}

// Take brings the answer to this machine, into a folder of images. All of it is checked
// against the digests of the record; whether the record is right depends on who can write
// to the store.
func (o *Offer) Take(ctx context.Context, dir string) (Record, []v1.ImageIndex, error) {
	text, err := gocache.Whole(ctx, o.from, o.m.Config)
	if err != nil {
		return Record{}, nil, err
	}
	var c carried
	if err := json.Unmarshal(text, &c); err != nil {
		return Record{}, nil, fmt.Errorf("reading an answer: %w", err)
	}
	if err := c.Record.check(o.key); err != nil {
		return Record{}, nil, err
	}
	dir = filepath.Join(dir, o.m.Config.Digest.Hex)
	if err := c.unpack(ctx, o.from, o.m, dir); err != nil {
		return Record{}, nil, err
	}
	cache.Touch(dir, time.Now())
	cache.Trim(filepath.Dir(dir), keepImages, time.Now())
	images, err := open(dir, c.Record)
	return c.Record, images, err
}

// read reads a manifest and refuses what no answer of ours can be.
func read(text []byte, limit int64) (gocache.Manifest, error) {
	m, err := gocache.Outline(text)
	if err != nil {
		return m, err
	}
	if m.ArtifactType != ArtifactType || m.Config.MediaType != configType {
		return m, errors.New("it is something else than an answer")
	}
	if m.Config.Size > maxRecord || m.Config.Size+m.Size() > limit {
		return m, errors.New("the answer is out of bounds")
	}
	return m, nil
}

// unpack writes an OCI layout of the images. What lies there whole is not fetched again.
func (c carried) unpack(ctx context.Context, from gocache.Store, m gocache.Manifest, dir string) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for _, d := range m.Layers {
		group.Go(func() error {
			name := filepath.Join(dir, "blobs", d.Digest.Algorithm, d.Digest.Hex)
			if sum, err := hashFile(name); err == nil && sum == d.Digest.Hex {
				return nil
			}
			text, err := gocache.Whole(within, from, d)
			if err != nil {
				return err
			}
			return cache.Write(name, text)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var indexes []v1.Descriptor
	for want, text := range c.Documents {
		d, err := describe(types.OCIImageIndex, text)
		if err != nil || d.Digest.String() != want {
			return fmt.Errorf("the document %q of the answer is not whole", want)
		}
		if err := cache.Write(filepath.Join(dir, "blobs", d.Digest.Algorithm, d.Digest.Hex), text); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Record.Images, func(i Image) bool { return i.Digest == want }) {
			indexes = append(indexes, d)
		}
	}
	text, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: indexes})
	if err != nil {
		return err
	}
	if err := cache.Write(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	return cache.Write(filepath.Join(dir, "index.json"), text)
}

// open reads the images of a record from a layout, and finds that they have all parts.
func open(dir string, r Record) ([]v1.ImageIndex, error) {
	at, err := layout.FromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	top, err := at.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	var images []v1.ImageIndex
	for _, i := range r.Images {
		hash, err := v1.NewHash(i.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading an answer: %w", err)
		}
		idx, err := top.ImageIndex(hash)
		if err != nil {
			return nil, fmt.Errorf("reading an answer: %w", err)
		}
		if err := complete(dir, idx); err != nil {
			return nil, fmt.Errorf("the image %s of the answer is not whole: %w", i.Digest, err)
		}
		images = append(images, idx)
	}
	return images, nil
}

// complete finds that every blob of an index is there, with its size: the contents were
// checked when they were written.
func complete(dir string, idx v1.ImageIndex) error {
	list, err := idx.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range list.Manifests {
		img, err := idx.Image(d.Digest)
		if err != nil {
			return err
		}
		m, err := img.Manifest()
		if err != nil {
			return err
		}
		for _, part := range append([]v1.Descriptor{d, m.Config}, m.Layers...) {
			info, err := os.Stat(filepath.Join(dir, "blobs", part.Digest.Algorithm, part.Digest.Hex))
			if err != nil {
				return err
			}
			if info.Size() != part.Size {
				return fmt.Errorf("the blob %s has another size", part.Digest)
			}
		}
	}
	return nil
}
