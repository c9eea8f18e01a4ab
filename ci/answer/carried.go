package answer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/gocache"
)

// The media types of an answer that is carried to other machines. The images are an
// artifact and not an index of their own: one request tells every blob, all of which are
// then fetched side by side, and it is signed as other manifests of caches are.
const (
	ArtifactType = "application/vnd.slipway.answer.v1"
	configType   = "application/vnd.slipway.answer.config.v1+json"
)

// seal is on answers: a key states for which inputs the configuration is, which names
// everything else by its digest. For which it is, is read from the configuration itself.
const seal gocache.Seal = "answer"

// carried is the configuration of the artifact: the record, with the indexes, manifests
// and configurations of the images by their digests.
type carried struct {
	Record    Record            `json:"record"`
	Documents map[string][]byte `json:"documents"`
}

// Tag is the tag of the answer for a key.
func Tag(key string) string { return "answer-" + key[:min(len(key), 32)] }

// Put brings a record with its images to a store, signed by a key if there is one, unless
// they are there. It returns how many bytes are new there.
func Put(ctx context.Context, to gocache.Store, made Record, images []v1.ImageIndex, by *sign.Key) (sent int64, err error) {
	text, err := to.Manifest(ctx, Tag(made.Key))
	if err == nil && there(ctx, text, by) {
		return 0, nil
	}
	if err != nil && !errors.Is(err, gocache.ErrNone) {
		return 0, err
	}
	made.Schema = schema
	p := packed{documents: map[string][]byte{}, layers: map[v1.Hash]v1.Layer{}}
	for _, idx := range images {
		if err := p.index(idx); err != nil {
			return 0, fmt.Errorf("reading the images: %w", err)
		}
	}
	for _, d := range p.descriptors {
		n, err := p.send(ctx, to, d)
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, p.put(ctx, to, made, by)
}

// there tells whether a manifest needs not be written anew: one that somebody else signed
// would be refused.
func there(ctx context.Context, text []byte, by *sign.Key) bool {
	m, err := read(text, math.MaxInt64)
	if err != nil {
		return false
	}
	if by == nil {
		return true
	}
	_, err = seal.Verify(ctx, m, by.Trust(), m.Config.Digest)
	return err == nil
}

// put writes the configuration and the manifest, after all layers.
func (p *packed) put(ctx context.Context, to gocache.Store, made Record, by *sign.Key) error {
	text, err := json.Marshal(carried{made, p.documents})
	if err != nil {
		return err
	}
	m := gocache.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: ArtifactType, Layers: p.descriptors}
	if m.Config, err = describe(configType, text); err != nil {
		return err
	}
	if m.Annotations, err = seal.Sign(ctx, by, m.Config.Digest, map[string]string{"key": made.Key}); err != nil {
		return fmt.Errorf("signing the images: %w", err)
	}
	if err := to.Write(ctx, m.Config, gocache.Text(text)); err != nil {
		return err
	}
	if text, err = json.Marshal(m); err != nil {
		return err
	}
	return to.Put(ctx, Tag(made.Key), text)
}

// packed are images in their parts.
type packed struct {
	documents   map[string][]byte
	layers      map[v1.Hash]v1.Layer
	descriptors []v1.Descriptor // of the layers, each once
}

func (p *packed) index(idx v1.ImageIndex) error {
	list, err := idx.IndexManifest()
	if err != nil {
		return err
	}
	if err := p.document(idx.RawManifest()); err != nil {
		return err
	}
	for _, d := range list.Manifests {
		img, err := idx.Image(d.Digest)
		if err != nil {
			return err
		}
		if err := p.image(img); err != nil {
			return err
		}
	}
	return nil
}

func (p *packed) image(img v1.Image) error {
	if err := p.document(img.RawManifest()); err != nil {
		return err
	}
	if err := p.document(img.RawConfigFile()); err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	for _, d := range m.Layers {
		if p.layers[d.Digest] != nil {
			continue
		}
		if p.layers[d.Digest], err = img.LayerByDigest(d.Digest); err != nil {
			return err
		}
		p.descriptors = append(p.descriptors, v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size})
	}
	return nil
}

func (p *packed) document(text []byte, err error) error {
	if err != nil {
		return err
	}
	d, err := describe("", text)
	p.documents[d.Digest.String()] = text
	return err
}

// send brings a layer to a store that does not have it.
func (p *packed) send(ctx context.Context, to gocache.Store, d v1.Descriptor) (int64, error) {
	if to.Has(ctx, d) {
		return 0, nil
	}
	return d.Size, to.Write(ctx, d, p.layers[d.Digest].Compressed)
}

func describe(media types.MediaType, text []byte) (v1.Descriptor, error) {
	hash, size, err := v1.SHA256(bytes.NewReader(text))
	return v1.Descriptor{MediaType: media, Digest: hash, Size: size}, err
}
