package gocache

import (
	"bytes"
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/registry"
)

// Store is where caches are kept. Its methods may be called from several goroutines.
type Store interface {
	// Manifest is the manifest under a tag. Where there is none, the error wraps ErrNone.
	Manifest(ctx context.Context, tag string) ([]byte, error)
	// Blob is the bytes under a digest, at most as many as it says.
	Blob(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// Has tells whether a blob is there, whole as far as the store can tell.
	Has(ctx context.Context, d v1.Descriptor) bool
	// Write brings a blob there, which is opened once or several times.
	Write(ctx context.Context, d v1.Descriptor, open Open) error
	// Put writes the manifest under a tag, after all that it refers to.
	Put(ctx context.Context, tag string, text []byte) error
}

// Open opens a content. An upload that breaks off goes on in the middle of one that seeks.
type Open = func() (io.ReadCloser, error)

// Text opens what is in memory.
func Text(text []byte) Open {
	return func() (io.ReadCloser, error) { return seekable{bytes.NewReader(text)}, nil }
}

type seekable struct{ *bytes.Reader }

func (seekable) Close() error { return nil }

// Repository is a repository of a registry that has caches. What is in it grows old as
// the registry's rules say.
func Repository(r *registry.Repository) Store { return repository{r} }

type repository struct{ *registry.Repository }

func (r repository) Manifest(ctx context.Context, tag string) ([]byte, error) {
	text, _, err := r.Repository.Manifest(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, ErrNone
	}
	return text, err
}

func (r repository) Blob(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	return r.Repository.Blob(ctx, d.Digest.String(), d.Size)
}

func (r repository) Has(ctx context.Context, d v1.Descriptor) bool {
	found, err := r.HasBlob(ctx, d)
	return err == nil && found
}

func (r repository) Write(ctx context.Context, d v1.Descriptor, open Open) error {
	_, err := r.Upload(ctx, registry.Content{Descriptor: d, Open: open}, "")
	return err
}

func (r repository) Put(ctx context.Context, tag string, text []byte) error {
	m, err := registry.NewManifest(text, types.OCIManifestSchema1)
	if err != nil {
		return err
	}
	return r.Repository.Put(ctx, tag, m, nil)
}
