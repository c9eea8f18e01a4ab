package base

import (
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/plan"
)

// image is a fetched image. Its manifest and configuration are in memory, its
// layers are in the cache.
type image struct {
	parsed *manifest
	config []byte
	about  struct {
		v1.Platform
		RootFS struct {
			DiffIDs []v1.Hash `json:"diff_ids"`
		} `json:"rootfs"`
	}
	cache store
}

func newImage(m *manifest, config []byte, cache store) (*image, error) {
	i := &image{parsed: m, config: config, cache: cache}
	if err := json.Unmarshal(config, &i.about); err != nil {
		return nil, fmt.Errorf("its configuration is not one: %w", err)
	}
	if layers, ids := len(m.Layers), len(i.about.RootFS.DiffIDs); layers != ids {
		return nil, fmt.Errorf("its manifest lists %d layers and its configuration %d", layers, ids)
	}
	return i, nil
}

// platform returns what the configuration says, in normal form.
func (i *image) platform() plan.Platform {
	p := i.about.Platform
	return plan.Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}.Normal()
}

// is checks that the image is what its index says. Variants are left out, because
// many configurations do not have them.
func (i *image) is(p plan.Platform) error {
	if got := i.platform(); got.OS != p.OS || got.Arch != p.Arch {
		return fmt.Errorf("its index has an image for %s, whose configuration says %s", p, got)
	}
	return nil
}

func (i *image) extend() (v1.Image, error) { return partial.CompressedToImage(i) }

func (i *image) RawManifest() ([]byte, error)        { return i.parsed.raw, nil }
func (i *image) RawConfigFile() ([]byte, error)      { return i.config, nil }
func (i *image) MediaType() (types.MediaType, error) { return i.parsed.MediaType, nil }

// LayerByDigest returns a layer, or the configuration in the form of one, as
// every v1.Image does.
func (i *image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if h == i.parsed.Config.Digest {
		return partial.ConfigLayer(i)
	}
	for n, d := range i.parsed.Layers {
		if d.Digest == h {
			return &fetchedLayer{about: d, diffID: i.about.RootFS.DiffIDs[n], cache: i.cache}, nil
		}
	}
	return nil, fmt.Errorf("the base has no layer %s", h)
}

// fetchedLayer is a layer as the registry sent it, compressed or not.
type fetchedLayer struct {
	about  v1.Descriptor
	diffID v1.Hash
	cache  store
}

func (l *fetchedLayer) Digest() (v1.Hash, error)            { return l.about.Digest, nil }
func (l *fetchedLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *fetchedLayer) Size() (int64, error)                { return l.about.Size, nil }
func (l *fetchedLayer) MediaType() (types.MediaType, error) { return l.about.MediaType, nil }
func (l *fetchedLayer) Compressed() (io.ReadCloser, error)  { return l.cache.open(l.about.Digest) }
