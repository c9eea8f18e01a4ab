package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/plan"
)

// store has content by digest.
type store interface {
	open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
}

// manifest is an image manifest or an index, of OCI or Docker. Which of them it is
// follows from its bytes alone.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Manifests     []v1.Descriptor `json:"manifests"`
	Config        *v1.Descriptor  `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`

	Annotations map[string]string `json:"annotations"`
}

func parseManifest(raw []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("its manifest is not one: %w", err)
	}
	// A document of both kinds is one image to one tool and another to the next
	// (CVE-2021-41190).
	if m.Manifests != nil && (m.Config != nil || m.Layers != nil) {
		return nil, errors.New("its manifest is an image and an index at once")
	}
	all := slices.Concat(m.Manifests, m.Layers)
	switch {
	case m.SchemaVersion != 2:
		return nil, fmt.Errorf("its manifest has schema version %d, and only 2 is known", m.SchemaVersion)
	case m.Config != nil && !m.Config.MediaType.IsConfig():
		return nil, fmt.Errorf("it is no image but holds a configuration of type %q", m.Config.MediaType)
	case m.Config != nil:
		all = append(all, *m.Config)
	case m.Manifests == nil:
		return nil, errors.New("its manifest is neither an image nor an index")
	}
	for _, d := range all {
		if d.Digest.Algorithm != "sha256" || d.Size < 0 {
			return nil, fmt.Errorf("it names content by %q, and only sha256 is known", d.Digest)
		}
	}
	for _, l := range m.Layers {
		if !l.MediaType.IsLayer() {
			return nil, fmt.Errorf("its layer %s is of type %q, which is not known", l.Digest, l.MediaType)
		}
	}
	return m, nil
}

// content puts an image together. open gives its layers.
func (m *manifest) content(config []byte, open func(context.Context, v1.Descriptor) (io.ReadCloser, error), digest string) (*content, error) {
	if m.Config == nil {
		return nil, errors.New("there is an index where an image was expected")
	}
	// OCI manifests may leave their type out, Docker's may not.
	media := cmp.Or(m.MediaType, types.OCIManifestSchema1)
	c := &content{digest: digest, mediaType: string(media), id: m.Config.Digest, config: config, annotations: []map[string]string{m.Annotations}}
	for _, l := range m.Layers {
		c.layers = append(c.layers, blob{
			digest: l.Digest, size: l.Size, mediaType: l.MediaType,
			open: func(ctx context.Context) (io.ReadCloser, error) { return open(ctx, l) },
		})
	}
	return c, c.parse()
}

// attests tells what lies in an index beside images: BuildKit's attestations, and
// artifacts.
func attests(d v1.Descriptor) bool {
	_, attests := d.Annotations["vnd.docker.reference.type"]
	artifact := d.ArtifactType != "" && !types.MediaType(d.ArtifactType).IsConfig()
	return attests || artifact || d.Platform != nil && d.Platform.OS == "unknown"
}

func platformOf(p *v1.Platform) *plan.Platform {
	if p == nil || p.OS == "" && p.Architecture == "" {
		return nil
	}
	normal := plan.Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}.Normal()
	return &normal
}

// document reads a small file and checks its digest.
func (s *Source) document(ctx context.Context, from store, what string, d v1.Descriptor, limit int64) ([]byte, error) {
	if s.documents++; s.documents > maxDocuments {
		return nil, tooMany(maxDocuments, "manifests and configurations")
	}
	r, err := from.open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := atMost(&interruptible{ctx: ctx, r: r}, limit, what)
	if err != nil {
		return nil, err
	}
	if got := sumOf(data); got != d.Digest {
		return nil, &mismatchError{what, got.String(), d.Digest.String()}
	}
	return data, nil
}

func atMost(r io.Reader, limit int64, what string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(limit, "a "+what)
	}
	return data, nil
}

// openIndex follows the index.json of a layout. Its one entry is the image; where
// it has several, nothing has a digest that stands for all of them.
func (s *Source) openIndex(ctx context.Context, index io.Reader, from store) error {
	raw, err := atMost(index, maxManifest, "index.json")
	if err != nil {
		return err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return err
	}
	if len(m.Manifests) == 1 {
		s.digest = m.Manifests[0].Digest.String()
	}
	return s.follow(ctx, from, m, nil, 0)
}

// follow adds the images of an index, also those of an index in it. said are the
// annotations of the indexes above.
func (s *Source) follow(ctx context.Context, from store, index *manifest, said []map[string]string, depth int) error {
	if depth > maxNesting {
		return tooMany(maxNesting, "indexes in each other")
	}
	for _, d := range index.Manifests {
		p := platformOf(d.Platform)
		if attests(d) || s.has(d.Digest) {
			continue
		}
		if p != nil && !s.wants(*p) {
			s.others = append(s.others, p.String())
			continue
		}
		if err := s.add(ctx, from, d, p, append(slices.Clone(said), index.Annotations, d.Annotations), depth); err != nil {
			return err
		}
	}
	return nil
}

// add adds what a descriptor stands for.
func (s *Source) add(ctx context.Context, from store, d v1.Descriptor, listed *plan.Platform, said []map[string]string, depth int) error {
	raw, err := s.document(ctx, from, "manifest", d, maxManifest)
	if err != nil {
		return err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return err
	}
	if m.Config == nil {
		return s.follow(ctx, from, m, said, depth+1)
	}
	config, err := s.document(ctx, from, "configuration", *m.Config, maxConfig)
	if err != nil {
		return err
	}
	c, err := m.content(config, from.open, d.Digest.String())
	if err != nil {
		return err
	}
	c.listed, c.annotations = listed, append(said, c.annotations...)
	s.images = append(s.images, c)
	return nil
}

func (s *Source) has(digest v1.Hash) bool {
	for _, c := range s.images {
		if c.digest == digest.String() {
			return true
		}
	}
	return false
}
