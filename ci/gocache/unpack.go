package gocache

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/cache"
)

// fetches is how many layers are on their way at once: more than there are processors,
// since a registry lets one wait, and few, since each is in memory. Of caddy's cache eight
// took 230 MB, four take 120 MB and the same time.
const fetches = 4

// keepModules bounds the restored module caches on this machine, in bytes.
const keepModules = 4 << 30

// Into is where a cache is restored to.
type Into struct {
	// Objects is the build cache, a folder of ours.
	Objects string
	// Modules is the folder for module caches, one for each content: the go command takes
	// what lies in a module cache for unchanging, and keeps an index of it by its path. It
	// is empty where no modules are wanted.
	Modules string
	// Limit is how large a cache may be, compressed, in bytes.
	Limit int64
	// Trust says who may have written a cache; nil is anybody.
	Trust *sign.Trust
}

// Restored says what came.
type Restored struct {
	// Files and Size are what was written, Size in bytes, Packed the layers' size.
	Files, Size, Packed int64
	// Lost is how many layers were not whole.
	Lost int64
	// Modules is the restored module cache, or empty where those are of another go.sum or
	// not whole.
	Modules string
}

// Restore brings the cache of the key's tag to this machine, all layers side by side. A
// layer that is not whole is left out. The error wraps ErrNone where there is no cache, and
// ErrUntrusted where somebody else wrote it.
func Restore(ctx context.Context, from Store, key Key, into Into) (Restored, error) {
	text, err := from.Manifest(ctx, key.Tag())
	if err != nil {
		return Restored{}, err
	}
	m, err := parse(text)
	if err != nil {
		return Restored{}, err
	}
	if err := m.trusted(ctx, text, into.Trust, key); err != nil {
		return Restored{}, err
	}
	if m.Size() > into.Limit {
		return Restored{}, fmt.Errorf("the cache has %d bytes, more than the limit of %d", m.Size(), into.Limit)
	}
	r := &restoring{from: from, objects: into.Objects}
	dir, err := r.wanted(ctx, m, key, into)
	if err != nil {
		return Restored{}, err
	}
	if err := r.all(ctx, m); err != nil {
		if r.modules != "" {
			_ = os.RemoveAll(r.modules)
		}
		return Restored{}, err
	}
	done := Restored{Files: r.files.Load(), Size: r.size.Load(), Packed: r.packed.Load(), Lost: r.lost.Load()}
	done.Modules, err = r.settle(dir)
	if dir != "" {
		cache.Trim(into.Modules, keepModules, time.Now())
	}
	return done, err
}

// restoring is one cache on its way.
type restoring struct {
	from    Store
	objects string
	// modules is the folder that modules are written to, or empty where none are wanted.
	modules string
	files   atomic.Int64
	size    atomic.Int64
	packed  atomic.Int64
	lost    atomic.Int64
	partial atomic.Bool // whether a layer of modules is missing
}

// wanted finds out whether the modules of a cache are those of the source, and where they go.
func (r *restoring) wanted(ctx context.Context, m Manifest, key Key, into Into) (dir string, err error) {
	has, err := purpose(ctx, r.from, m, key)
	if err != nil {
		return "", err
	}
	h, n := sha256.New(), 0
	layers := slices.Clone(m.Layers)
	slices.SortFunc(layers, func(a, b v1.Descriptor) int { return bytes.Compare([]byte(a.Digest.Hex), []byte(b.Digest.Hex)) })
	for _, d := range layers {
		if Part(d.Annotations[partAnnotation]) == Modules {
			fmt.Fprintln(h, d.Digest)
			n++
		}
	}
	if into.Modules == "" || has.Modules != key.Modules || key.Modules == "" || n == 0 {
		return "", nil
	}
	dir = filepath.Join(into.Modules, hex.EncodeToString(h.Sum(nil))[:32])
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	if err := os.MkdirAll(into.Modules, 0o755); err != nil {
		return "", fmt.Errorf("restoring modules: %w", err)
	}
	r.modules, err = os.MkdirTemp(into.Modules, ".new-*")
	return dir, err
}

// settle gives the modules their place, once they are whole.
func (r *restoring) settle(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	if r.modules != "" {
		if r.partial.Load() {
			return "", os.RemoveAll(r.modules)
		}
		if err := os.Rename(r.modules, dir); err != nil {
			if _, there := os.Lstat(dir); there != nil {
				return "", fmt.Errorf("restoring modules: %w", err)
			}
			return dir, os.RemoveAll(r.modules) // another run was faster
		}
	}
	cache.Touch(dir, time.Now())
	return dir, nil
}

func (r *restoring) all(ctx context.Context, m Manifest) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for _, d := range m.Layers {
		group.Go(func() error {
			part := Part(d.Annotations[partAnnotation])
			dir := map[Part]string{Objects: r.objects, Modules: r.modules}[part]
			if dir == "" {
				return nil
			}
			text, err := Whole(within, r.from, d)
			if err == nil {
				r.packed.Add(d.Size)
				err = r.unpack(part, dir, text)
			}
			if within.Err() != nil {
				return context.Cause(within)
			}
			if errors.Is(err, errDisk) {
				return err
			}
			if err != nil {
				r.lost.Add(1)
				if part == Modules {
					r.partial.Store(true)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

var (
	errBounds = errors.New("the cache is larger than any that Slipway writes")
	errName   = errors.New("the cache has something that is neither a file nor a folder of it")
	// errDisk is in the chain of what this machine is to blame for.
	errDisk = errors.New("writing the cache")
)

func (r *restoring) unpack(part Part, dir string, text []byte) error {
	z, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	in := tar.NewReader(z)
	w := writer{part: part, dir: dir, made: map[string]bool{}, buffer: make([]byte, 256<<10)}
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking a layer: %w", err)
		}
		if r.files.Add(1) > maxFiles || h.Size < 0 || h.Size > maxUnpacked || r.size.Add(h.Size) > maxUnpacked {
			return errBounds
		}
		if err := w.entry(h, in); err != nil {
			return err
		}
	}
}
