// Package output puts an assembled image where a user wants it: into an OCI layout
// or into an archive for docker and podman. What was there before stays whole until
// the new image is.
package output

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/image"
)

// Layout writes an image as an OCI image layout with one entry, the index. A
// reader finds the earlier image or this one: blobs are named by their content, and
// index.json is replaced at the end, in one step.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
//
// Neither dir nor the folder that holds it may be a link: a repository could bring
// one along that leads to a folder of the user's.
func Layout(dir, refName string, idx *image.Index) error {
	parent := filepath.Dir(dir)
	if err := notLink(dir); err != nil {
		return err
	}
	if err := Folder(parent); err != nil {
		return err
	}
	// Two builds into one folder must not remove each other's blobs.
	unlock, err := lockedfile.MutexAt(filepath.Join(parent, ".lock")).Lock()
	if err != nil {
		return fmt.Errorf("locking the output folder %s: %w", parent, err)
	}
	defer unlock()
	l := layout{dir: dir, wanted: map[string]bool{}}
	desc, err := l.index(idx.ImageIndex)
	if err != nil {
		return fmt.Errorf("writing the image to %s: %w", dir, err)
	}
	if refName != "" {
		desc.Annotations = map[string]string{"org.opencontainers.image.ref.name": refName}
	}
	if err := l.commit(desc); err != nil {
		return fmt.Errorf("writing the image to %s: %w", dir, err)
	}
	return nil
}

// Folder makes the folder for everything that Slipway writes. What is in it is never a
// change of the repository that it lies in.
func Folder(dir string) error {
	if err := notLink(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w", err)
	}
	return keep(filepath.Join(dir, ".gitignore"), []byte("*\n"))
}

func notLink(name string) error {
	if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("writing the output: %s is a link", name)
	}
	return nil
}

// Image writes the image of one platform as an OCI image layout with one entry, for
// tools that look at the first entry only. The folder is the caller's own.
func Image(dir string, img v1.Image) error {
	l := layout{dir: dir, wanted: map[string]bool{}}
	if err := l.image(img); err != nil {
		return fmt.Errorf("writing the image to %s: %w", dir, err)
	}
	desc, err := partial.Descriptor(img)
	if err != nil {
		return fmt.Errorf("describing the image: %w", err)
	}
	if err := l.commit(*desc); err != nil {
		return fmt.Errorf("writing the image to %s: %w", dir, err)
	}
	return nil
}

type layout struct {
	dir    string
	wanted map[string]bool // hexadecimal digests
}

func (l layout) index(idx v1.ImageIndex) (v1.Descriptor, error) {
	m, err := idx.IndexManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, d := range m.Manifests {
		img, err := idx.Image(d.Digest)
		if err != nil {
			return v1.Descriptor{}, err
		}
		if err := l.image(img); err != nil {
			return v1.Descriptor{}, err
		}
	}
	raw, err := idx.RawManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	return l.raw(types.OCIImageIndex, raw)
}

func (l layout) image(img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		if err := l.blob(digest, layer.Compressed); err != nil {
			return err
		}
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	if _, err := l.raw(types.OCIConfigJSON, config); err != nil {
		return err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return err
	}
	_, err = l.raw(types.OCIManifestSchema1, manifest)
	return err
}

func (l layout) raw(media types.MediaType, text []byte) (v1.Descriptor, error) {
	sum := sha256.Sum256(text)
	digest := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	return v1.Descriptor{MediaType: media, Digest: digest, Size: int64(len(text))}, l.blob(digest, open)
}

// blob writes a blob unless it lies there whole; other bytes than its digest says
// are never given its name.
func (l layout) blob(digest v1.Hash, open func() (io.ReadCloser, error)) error {
	l.wanted[digest.Hex] = true
	name := filepath.Join(l.dir, "blobs", digest.Algorithm, digest.Hex)
	if whole(name, digest) {
		return nil
	}
	return cache.Create(name, func(w io.Writer) error {
		r, err := open()
		if err != nil {
			return err
		}
		defer r.Close()
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != digest.Hex {
			return fmt.Errorf("the bytes of blob %s hash to sha256:%s", digest, got)
		}
		return nil
	})
}

func whole(name string, digest v1.Hash) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == digest.Hex
}

// commit makes the image visible and then drops what only the earlier one needed.
func (l layout) commit(desc v1.Descriptor) error {
	if err := keep(filepath.Join(l.dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	text, err := json.Marshal(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{desc},
	})
	if err != nil {
		return err
	}
	if err := keep(filepath.Join(l.dir, "index.json"), text); err != nil {
		return err
	}
	blobs := filepath.Join(l.dir, "blobs", "sha256")
	list, err := os.ReadDir(blobs)
	if err != nil {
		return err
	}
	for _, d := range list {
		if !l.wanted[d.Name()] {
			if err := os.Remove(filepath.Join(blobs, d.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// keep writes a file only where it differs.
func keep(file string, text []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return cache.Write(file, text)
}

// Archive writes one platform's image in the format that docker load and podman
// load read, under a name for them.
func Archive(file string, tag name.Tag, img v1.Image) error {
	return cache.Create(file, func(w io.Writer) error { return tarball.Write(tag, img, w) })
}
