package verify

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/slipway/ci/image"
	"example.com/slipway/ci/step"
)

// Difference is a part of the image that another build makes otherwise.
type Difference struct {
	// Platform is empty for the index itself.
	Platform string `json:"platform,omitempty"`
	// Part is index, manifest, config and its field, layer and its number, or file and
	// its path.
	Part string `json:"part"`
	// Published and Rebuilt are digests, or values. Empty is absent.
	Published string `json:"published,omitempty"`
	Rebuilt   string `json:"rebuilt,omitempty"`
}

// String says a difference in a line.
func (d Difference) String() string {
	name := d.Part
	if d.Platform != "" {
		name = d.Platform + " " + d.Part
	}
	switch {
	case d.Published == "":
		return fmt.Sprintf("%s is only in what was built again", name)
	case d.Rebuilt == "":
		return fmt.Sprintf("%s is only in what was published", name)
	}
	return fmt.Sprintf("%s was published as %.160s and built again as %.160s", name, d.Published, d.Rebuilt)
}

const (
	// maxLayer bounds a layer that is compared, compressed, maxUnpacked what it unpacks
	// to, in bytes, and maxFiles the files in it.
	maxLayer    = 512 << 20
	maxUnpacked = 2 << 30
	maxFiles    = 500_000
	// maxDifferences bounds what is told of one layer.
	maxDifferences = 20
)

// differences says where two images differ, so that somebody knows where to look.
func (c *chain) differences(ctx context.Context, again *image.Index) ([]Difference, error) {
	var all []Difference
	built := map[string]image.Image{}
	for _, img := range again.Images {
		built[img.Platform.String()] = img
	}
	for i := range c.images {
		one := &c.images[i]
		name := one.platform.String()
		other, ok := built[name]
		delete(built, name)
		if !ok {
			all = append(all, Difference{Platform: name, Part: "image", Published: one.digest.String()})
			continue
		}
		found, err := c.compare(ctx, one, other)
		if err != nil {
			return all, err
		}
		for _, d := range found {
			d.Platform = name
			all = append(all, d)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(built)) {
		all = append(all, Difference{Platform: name, Part: "image", Rebuilt: built[name].Digest.String()})
	}
	if len(all) == 0 {
		all = append(all, Difference{Part: "index", Published: c.digest.String(), Rebuilt: again.Digest.String()})
	}
	return all, nil
}

func (c *chain) compare(ctx context.Context, one *child, other image.Image) ([]Difference, error) {
	if one.digest == other.Digest {
		return nil, nil
	}
	all := []Difference{{Part: "manifest", Published: one.digest.String(), Rebuilt: other.Digest.String()}}
	config, err := other.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration that was built again: %w", err)
	}
	all = append(all, fields("config", one.config, config)...)
	m, err := other.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading the manifest that was built again: %w", err)
	}
	for i := range max(len(one.layers), len(m.Layers)) {
		d := Difference{Part: fmt.Sprintf("layer %d", i+1)}
		if i < len(one.layers) {
			d.Published = one.layers[i].Digest.String()
		}
		if i < len(m.Layers) {
			d.Rebuilt = m.Layers[i].Digest.String()
		}
		if d.Published == d.Rebuilt {
			continue
		}
		all = append(all, d)
		if d.Published != "" && d.Rebuilt != "" {
			files, err := c.unlike(ctx, one.layers[i], other, m.Layers[i].Digest)
			if err != nil {
				return all, err
			}
			all = append(all, files...)
		}
	}
	return all, nil
}

// fields compares two documents by their fields, two levels deep.
func fields(name string, a, b []byte) []Difference {
	var one, other map[string]json.RawMessage
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return nil
	}
	for key := range other {
		if _, both := one[key]; !both {
			one[key] = nil
		}
	}
	var all []Difference
	for _, key := range slices.Sorted(maps.Keys(one)) {
		if bytes.Equal(one[key], other[key]) {
			continue
		}
		if name == "config" && key == "config" {
			all = append(all, fields(name+"."+key, one[key], other[key])...)
			continue
		}
		all = append(all, Difference{Part: name + "." + key, Published: string(one[key]), Rebuilt: string(other[key])})
	}
	return all
}

// unlike compares the files of two layers.
func (c *chain) unlike(ctx context.Context, published v1.Descriptor, img image.Image, rebuilt v1.Hash) ([]Difference, error) {
	content, err := c.repo.Blob(ctx, published.Digest.String(), min(published.Size, maxLayer))
	if err != nil {
		return nil, err
	}
	before, err := sums(bytes.NewReader(content), published.MediaType)
	if err != nil {
		return []Difference{{Part: "layer " + published.Digest.String(), Published: "something that cannot be unpacked", Rebuilt: rebuilt.String()}}, nil //nolint:nilerr // it is what differs
	}
	l, err := img.LayerByDigest(rebuilt)
	if err != nil {
		return nil, fmt.Errorf("reading the layer that was built again: %w", err)
	}
	r, err := l.Uncompressed()
	if err != nil {
		return nil, fmt.Errorf("reading the layer that was built again: %w", err)
	}
	defer r.Close()
	now, err := sums(r, types.OCIUncompressedLayer)
	if err != nil {
		return nil, fmt.Errorf("reading the layer that was built again: %w", err)
	}
	var all []Difference
	names := maps.Clone(before)
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != now[name] && len(all) < maxDifferences {
			all = append(all, Difference{Part: "file " + name, Published: before[name], Rebuilt: now[name]})
		}
	}
	return all, nil
}

// sums hashes the files of a layer. What is no regular file has its header in place of
// a digest.
func sums(r io.Reader, media types.MediaType) (map[string]string, error) {
	var err error
	switch media {
	case types.OCIUncompressedLayer:
	case types.OCILayerZStd:
		r, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	default:
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	limited := &io.LimitedReader{R: r, N: maxUnpacked}
	for t := tar.NewReader(limited); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, err
		}
		if limited.N <= 0 || len(all) >= maxFiles {
			return nil, fmt.Errorf("it unpacks to more than %s", step.Size(maxUnpacked))
		}
		said := fmt.Sprintf("mode %o, owner %d:%d, time %d", h.Mode, h.Uid, h.Gid, h.ModTime.Unix())
		if h.Typeflag == tar.TypeReg {
			sum := sha256.New()
			if _, err := io.Copy(sum, t); err != nil {
				return nil, err
			}
			said = "sha256:" + hex.EncodeToString(sum.Sum(nil)) + ", " + said
		} else if h.Linkname != "" {
			said = "link to " + h.Linkname + ", " + said
		}
		all[path.Join("/", h.Name)] = said
	}
}
