package base

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/fault"
)

// Bounds on what a registry can make us read, in bytes. Real indexes have some
// ten kilobytes, and a base of two gigabytes is not one for a small service.
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
	maxLayers   = 2 << 30
)

// manifest is an image manifest or an index in the form of OCI or Docker. Which of
// them it is follows from the bytes alone: the Content-Type that a registry sends
// is covered by no digest.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Manifests     []v1.Descriptor `json:"manifests"`
	Config        *v1.Descriptor  `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`

	raw []byte
}

func (m *manifest) isIndex() bool { return m.MediaType.IsIndex() }

// parseManifest reads a manifest or index and checks all that is used of it later:
// types, digests and sizes. The error completes the sentence "the base cannot be
// used: ...".
func parseManifest(raw []byte) (*manifest, error) {
	m := &manifest{raw: raw}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("its manifest is not one: %w", err)
	}
	if m.SchemaVersion != 2 {
		return nil, fmt.Errorf("its manifest has schema version %d, and only 2 is supported", m.SchemaVersion)
	}
	// A document of both kinds means one image to one tool and another to the next
	// (CVE-2021-41190).
	if m.Manifests != nil && (m.Config != nil || m.Layers != nil) {
		return nil, errors.New("its manifest is an image and an index at once")
	}
	if m.MediaType == "" && m.Config != nil {
		m.MediaType = types.OCIManifestSchema1
	}
	if m.MediaType == "" && m.Manifests != nil {
		m.MediaType = types.OCIImageIndex
	}
	switch {
	case m.MediaType.IsIndex() && m.Config == nil:
		return m, checkDigests(m.Manifests)
	case m.MediaType.IsImage() && m.Config != nil:
		return m, m.checkImage()
	}
	return nil, fmt.Errorf("its manifest of type %q is not an image", m.MediaType)
}

func (m *manifest) checkImage() error {
	if !m.Config.MediaType.IsConfig() {
		return fmt.Errorf("it is not an image but holds a configuration of type %q", m.Config.MediaType)
	}
	if m.Config.Size < 0 || m.Config.Size > maxConfig {
		return fmt.Errorf("its configuration has %d bytes, and at most %d are read", m.Config.Size, maxConfig)
	}
	left := int64(maxLayers)
	for _, l := range m.Layers {
		if !l.MediaType.IsLayer() {
			return fmt.Errorf("its layer %s is of type %q, which is not known", l.Digest, l.MediaType)
		}
		if !l.MediaType.IsDistributable() {
			return fmt.Errorf("its layer %s may not be redistributed (%s), so that no image can be pushed with it", l.Digest, l.MediaType)
		}
		if l.Size < 0 || l.Size > left {
			return fmt.Errorf("its layers have more than %d bytes", maxLayers)
		}
		left -= l.Size
	}
	return checkDigests(append([]v1.Descriptor{*m.Config}, m.Layers...))
}

func checkDigests(all []v1.Descriptor) error {
	for _, d := range all {
		if d.Digest.Algorithm != "sha256" {
			return fmt.Errorf("it names content by %q, and only sha256 is supported", d.Digest.Algorithm)
		}
	}
	return nil
}

// children returns the images of an index that Slipway can build on. BuildKit's
// attestations lie in the same list, as images for an unknown platform.
func (m *manifest) children() []child {
	var found []child
	for _, d := range m.Manifests {
		if _, attests := d.Annotations["vnd.docker.reference.type"]; attests || d.MediaType.IsIndex() {
			continue
		}
		if p, ok := buildable(d.Platform); ok {
			found = append(found, child{platform: p, manifest: d.Digest})
		}
	}
	return found
}

// unusable says that a base is what was pinned, but nothing to build on.
func (f *fetcher) unusable(err error) error {
	return fault.New(fault.Usage, "base %s cannot be used: %v", f.pin, err).WithCause(err).
		WithFix("pin an image that holds one Linux file system per platform")
}
