// Package gocache carries the go command's caches from one machine to another: what one
// build used of them, as an OCI artifact in a registry or in a folder.
//
// A layer is a tar of files whose import paths have one hash in common, compressed with
// zstd, so that a changed dependency sends a few layers anew. Its annotation ID names the
// files, whose names follow from their contents: a layer of the same ID is neither packed
// nor sent again. What is not whole is not restored, and the build makes it anew.
//
// A layer is known by its digest, and the manifest by who signed it. Whoever wants no
// signature trusts all who can write to a cache: an entry that is wrong in itself looks
// like any other.
package gocache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The media types of a cache.
const (
	ArtifactType = "application/vnd.slipway.gocache.v1"
	configType   = "application/vnd.slipway.gocache.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+zstd"
)

// Annotations of a layer.
const (
	partAnnotation = "vnd.slipway.gocache.part"
	idAnnotation   = "vnd.slipway.gocache.id"
)

// Part is one of the two caches.
type Part string

// The parts of a cache.
const (
	// Objects is the build cache, GOCACHE.
	Objects Part = "objects"
	// Modules is the module cache, GOMODCACHE, of which a build needs some folders.
	Modules Part = "modules"
)

// The bounds of a cache that is read. Whoever wrote it may be anybody.
const (
	maxManifest = 4 << 20
	maxConfig   = 64 << 10
	maxLayers   = 1024
	maxLayer    = 256 << 20
	maxUnpacked = 16 << 30
	maxFiles    = 1_000_000
)

// Key says what a cache is for.
type Key struct {
	// Release is the Go release, Host the platform that it runs on.
	Release string `json:"release"`
	Host    string `json:"host"`
	// Platforms and Flags are those of the build.
	Platforms []string `json:"platforms"`
	Flags     []string `json:"flags,omitempty"`
	// Modules is the hash of the files that choose modules. Another one makes the modules
	// of a cache useless and leaves most of its objects what they are.
	Modules string `json:"modules"`
}

// Tag is the tag of the cache for a key: the one to read where go.sum is another one.
func (k Key) Tag() string {
	platforms := slices.Sorted(slices.Values(k.Platforms))
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat([]string{k.Release, k.Host}, platforms, k.Flags), "\n")))
	return "gocache-" + hex.EncodeToString(sum[:8])
}

// Manifest is that of OCI 1.1 with the field that go-containerregistry does not have.
type Manifest struct {
	SchemaVersion int64           `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
	// Annotations have the signature, if there is one.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ErrNone is in the chain of the error for a cache that is not there.
var ErrNone = errors.New("there is no cache")

// parse reads a manifest and refuses what no cache of ours can be.
func parse(text []byte) (Manifest, error) {
	m, err := Outline(text)
	if err != nil {
		return m, err
	}
	if m.ArtifactType != ArtifactType || m.Config.MediaType != configType {
		return m, errors.New("it is something else than a cache of Go")
	}
	if m.Config.Size > maxConfig {
		return m, errors.New("the manifest of the cache is out of bounds")
	}
	return m, nil
}

// Outline reads the manifest of whatever lies in a store, and refuses what is out of
// bounds or cannot be found by its digest.
func Outline(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("reading the manifest of the cache: %w", err)
	}
	if len(m.Layers) > maxLayers {
		return m, errors.New("the manifest of the cache is out of bounds")
	}
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 64 || d.Size < 0 || d.Size > maxLayer {
			return m, errors.New("the manifest of the cache is out of bounds")
		}
		if _, err := hex.DecodeString(d.Digest.Hex); err != nil {
			return m, fmt.Errorf("reading the manifest of the cache: %w", err)
		}
	}
	return m, nil
}

// Size is that of all layers, compressed.
func (m Manifest) Size() int64 {
	var n int64
	for _, d := range m.Layers {
		n += d.Size
	}
	return n
}

// Whole is the content of a descriptor, which has its digest and size.
func Whole(ctx context.Context, from Store, d v1.Descriptor) ([]byte, error) {
	text, err := from.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(text))
	if err == nil && (digest != d.Digest || size != d.Size) {
		err = fmt.Errorf("the blob %s is not whole", d.Digest)
	}
	return text, err
}

// purpose is what a cache is for, which has the tag of the key.
func purpose(ctx context.Context, from Store, m Manifest, key Key) (Key, error) {
	var k Key
	text, err := Whole(ctx, from, m.Config)
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err == nil && k.Tag() != key.Tag() {
		err = errors.New("it is for another build")
	}
	if err != nil {
		return k, fmt.Errorf("reading what the cache is for: %w", err)
	}
	return k, nil
}
