package gocache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/cache"
)

// keepTags is how many caches of each kind a folder keeps: those that were written last.
// The kind is what a tag begins with.
const keepTags = 8

const refName = "org.opencontainers.image.ref.name"

// Folder is a folder on this machine that has caches, in the form of an OCI image layout.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
func Folder(dir string) Store { return folder{dir} }

type folder struct{ dir string }

func (f folder) name(d v1.Hash) string { return filepath.Join(f.dir, "blobs", d.Algorithm, d.Hex) }

// index is the index of the layout, empty where there is none.
func (f folder) index() (v1.IndexManifest, error) {
	text, err := read(filepath.Join(f.dir, "index.json"), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return v1.IndexManifest{}, nil
	}
	if err != nil {
		return v1.IndexManifest{}, err
	}
	var idx v1.IndexManifest
	if err := json.Unmarshal(text, &idx); err != nil {
		return idx, fmt.Errorf("reading the index of %s: %w", f.dir, err)
	}
	return idx, nil
}

func (f folder) Manifest(ctx context.Context, tag string) ([]byte, error) {
	idx, err := f.index()
	if err != nil {
		return nil, err
	}
	for _, d := range idx.Manifests {
		if d.Annotations[refName] == tag {
			text, err := f.manifest(ctx, d)
			if err != nil {
				return nil, fmt.Errorf("%w that is whole: %w", ErrNone, err)
			}
			return text, nil
		}
	}
	return nil, ErrNone
}

// manifest is that of an entry of the index.
func (f folder) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if d.Size > maxManifest {
		return nil, errors.New("the manifest of the cache is out of bounds")
	}
	return Whole(ctx, f, d)
}

// Blob looks for hexadecimal names only: the index may say anything.
func (f folder) Blob(_ context.Context, d v1.Descriptor) ([]byte, error) {
	hash, err := v1.NewHash(d.Digest.String())
	if err != nil {
		return nil, err
	}
	return read(f.name(hash), d.Size)
}

// read reads a file of at most limit bytes.
func read(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", name, limit)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text := make([]byte, info.Size())
	_, err = io.ReadFull(file, text)
	return text, err
}

func (f folder) Has(_ context.Context, d v1.Descriptor) bool {
	file, err := os.Open(f.name(d.Digest))
	if err != nil {
		return false
	}
	defer file.Close()
	digest, size, err := v1.SHA256(io.LimitReader(file, d.Size+1))
	return err == nil && digest == d.Digest && size == d.Size
}

func (f folder) Write(ctx context.Context, d v1.Descriptor, open Open) error {
	if f.Has(ctx, d) {
		return nil
	}
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	return cache.Create(f.name(d.Digest), func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
}

// Put makes a cache visible, and then drops what no cache of the folder needs.
func (f folder) Put(ctx context.Context, tag string, text []byte) error {
	unlock, err := lockedfile.MutexAt(filepath.Join(f.dir, ".lock")).Lock()
	if err != nil {
		return fmt.Errorf("locking the cache %s: %w", f.dir, err)
	}
	defer unlock()
	d, err := put(ctx, f, types.OCIManifestSchema1, text)
	if err != nil {
		return err
	}
	d.Annotations = map[string]string{refName: tag}
	idx, err := f.index()
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(idx.Manifests, func(o v1.Descriptor) bool { return o.Annotations[refName] == tag })
	idx = v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: latest(append([]v1.Descriptor{d}, others...))}
	for name, value := range map[string]any{"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"}, "index.json": idx} {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := cache.Write(filepath.Join(f.dir, name), text); err != nil {
			return err
		}
	}
	return f.sweep(ctx, idx)
}

// latest are the first keepTags entries of each kind.
func latest(list []v1.Descriptor) []v1.Descriptor {
	kept := map[string]int{}
	return slices.DeleteFunc(list, func(d v1.Descriptor) bool {
		kind, _, _ := strings.Cut(d.Annotations[refName], "-")
		kept[kind]++
		return kept[kind] > keepTags
	})
}

// sweep removes the blobs that no manifest names.
func (f folder) sweep(ctx context.Context, idx v1.IndexManifest) error {
	wanted := map[string]bool{}
	for _, d := range idx.Manifests {
		text, err := f.manifest(ctx, d)
		if err != nil {
			continue
		}
		m, err := Outline(text)
		if err != nil {
			return nil // another program's layout: what it needs is not known
		}
		wanted[d.Digest.Hex], wanted[m.Config.Digest.Hex] = true, true
		for _, l := range m.Layers {
			wanted[l.Digest.Hex] = true
		}
	}
	blobs := filepath.Join(f.dir, "blobs", "sha256")
	list, err := os.ReadDir(blobs)
	if err != nil {
		return fmt.Errorf("trimming the cache: %w", err)
	}
	for _, d := range list {
		if !wanted[d.Name()] {
			if err := os.Remove(filepath.Join(blobs, d.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("trimming the cache: %w", err)
			}
		}
	}
	return nil
}
