package publish

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/registry"
)

// publication is a Publication on its way.
type publication struct {
	Publication
	index  registry.Manifest
	images []image
	// subjects are what can be attested, by digest.
	subjects map[string]v1.Descriptor
	// blobs are those of all images, each once.
	blobs []registry.Content
	// others are publications before this one in the same registry.
	others []*publication

	result  Result
	touched bool // whether anything was written
	counts  sync.Mutex
	has     map[v1.Hash]bool // blobs that are there for certain
	told    int              // how many notes were told
}

// image is one platform's.
type image struct {
	manifest registry.Manifest
	blobs    []registry.Content
}

// read takes an index apart. The result calls where it goes by that name.
func read(p Publication, where string) (*publication, error) {
	raw, err := p.Index.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	kind, err := p.Index.MediaType()
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	w := &publication{Publication: p, has: map[v1.Hash]bool{}}
	if w.index, err = registry.NewManifest(raw, kind); err != nil {
		return nil, err
	}
	children, err := p.Index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	for _, child := range children.Manifests {
		img, err := readImage(p.Index, child)
		if err != nil {
			return nil, fmt.Errorf("reading %s of the index: %w", child.Digest, err)
		}
		w.images = append(w.images, img)
		for _, blob := range img.blobs {
			w.add(blob)
		}
	}
	w.result = Result{Repository: where, Digest: w.index.Digest.String(), State: Incomplete}
	for _, tag := range p.Tags {
		w.result.Tags = append(w.result.Tags, TagResult{Name: tag.Name, Moving: tag.Moving, Outcome: TagOpen})
	}
	return w, w.readAttachments()
}

func (p *publication) add(blob registry.Content) {
	for _, known := range p.blobs {
		if known.Digest == blob.Digest {
			return
		}
	}
	p.blobs = append(p.blobs, blob)
}

func readImage(index v1.ImageIndex, child v1.Descriptor) (image, error) {
	img, err := index.Image(child.Digest)
	if err != nil {
		return image{}, err
	}
	raw, err := img.RawManifest()
	if err != nil {
		return image{}, err
	}
	m, err := registry.NewManifest(raw, child.MediaType)
	if err != nil {
		return image{}, err
	}
	if m.Digest != child.Digest {
		return image{}, fmt.Errorf("its manifest has the digest %s", m.Digest)
	}
	parsed, err := img.Manifest()
	if err != nil {
		return image{}, err
	}
	blobs, err := blobsOf(img, parsed)
	return image{m, blobs}, err
}

func blobsOf(img v1.Image, m *v1.Manifest) ([]registry.Content, error) {
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	blobs := []registry.Content{inMemory(m.Config, config)}
	for _, d := range m.Layers {
		if !d.MediaType.IsDistributable() {
			continue
		}
		layer, err := img.LayerByDigest(d.Digest)
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, registry.Content{Descriptor: d, Open: layer.Compressed})
	}
	return blobs, nil
}

func inMemory(d v1.Descriptor, content []byte) registry.Content {
	return registry.Content{Descriptor: d, Open: func() (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(content), io.NopCloser(nil)}, nil
	}}
}
