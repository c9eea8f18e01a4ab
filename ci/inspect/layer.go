package inspect

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"example.com/slipway/ci/step"
)

// blob is content that has not been read yet.
type blob struct {
	// digest is zero where nothing but the content itself says it.
	digest    v1.Hash
	size      int64
	mediaType types.MediaType
	open      func(context.Context) (io.ReadCloser, error)
}

// mismatchError is content that is not what its name says.
type mismatchError struct{ what, got, want string }

func (e *mismatchError) Error() string {
	return fmt.Sprintf("%s came instead of %s %s", e.got, e.what, e.want)
}

// meter hashes and counts what is read through it.
type meter struct {
	r io.Reader
	h hash.Hash
	n int64
}

func newMeter(r io.Reader) *meter { return &meter{r: r, h: sha256.New()} }

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.h.Write(p[:n])
	m.n += int64(n)
	return n, err
}

func (m *meter) sum() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(m.h.Sum(nil))}
}

// walker puts the layers of one image onto each other.
type walker struct {
	tree     *tree
	unpacked int64
	kept     int64
	program  bytes.Buffer // reused for one program after the other
	leaks    *leaks       // nil if none are looked for
}

// layer applies a layer and checks its digest and that of what it unpacks to. The
// digest is filled in where nothing said it.
func (w *walker) layer(ctx context.Context, b blob, diffID v1.Hash) (Layer, error) {
	told := Layer{MediaType: string(b.mediaType)}
	raw, err := b.open(ctx)
	if err != nil {
		return told, err
	}
	defer raw.Close()
	packed := newMeter(&interruptible{ctx: ctx, r: raw})
	if b.digest != (v1.Hash{}) {
		packed.r = io.LimitReader(packed.r, b.size+1)
	}
	plain, err := w.unpack(packed)
	if err := w.verify(b, packed, err); err != nil {
		return told, err
	}
	if got := plain.sum(); got != diffID {
		return told, &mismatchError{"the unpacked layer", got.String(), diffID.String()}
	}
	told.Digest, told.Compressed, told.Unpacked = packed.sum().String(), packed.n, plain.n
	return told, nil
}

// verify reads the rest of a layer, so that wrong bytes are told as such and not as
// what they made of the tar. A bound is the exception: the rest is not worth it.
func (w *walker) verify(b blob, packed *meter, err error) error {
	if bound, ok := errors.AsType[*boundError](err); ok {
		return bound
	}
	if b.digest == (v1.Hash{}) {
		return err
	}
	if _, more := io.Copy(io.Discard, packed); err == nil {
		err = more
	}
	if broken, ok := errors.AsType[*sourceError](err); ok {
		return broken
	}
	if got := packed.sum(); got != b.digest || packed.n != b.size {
		const form = "%s with %d bytes"
		return &mismatchError{"layer", fmt.Sprintf(form, got, packed.n), fmt.Sprintf(form, b.digest, b.size)}
	}
	return err
}

// unpack applies the tar in a stream that is compressed by gzip or zstd or not at
// all. What it is follows from its bytes, as in the runtimes.
func (w *walker) unpack(packed io.Reader) (*meter, error) {
	buffered := bufio.NewReaderSize(packed, 128<<10)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var stream io.Reader = buffered
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("its gzip stream is damaged: %w", err)
		}
		stream = zip
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// The window is the largest that the zstd tool makes with --ultra.
		zip, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
		defer zip.Close()
		stream = zip
	}
	plain := newMeter(&charged{r: stream, w: w})
	if err := w.entries(tar.NewReader(plain)); err != nil {
		return nil, err
	}
	// What follows the end of the tar is padding that belongs to the digest.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return nil, err
	}
	return plain, nil
}

func (w *walker) entries(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		// A name that leaves the root is harmless here; GODEBUG can make it an error.
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return fmt.Errorf("its tar is damaged: %w", err)
		}
		name, in, err := w.tree.apply(h)
		if err != nil {
			return err
		}
		if w.leaks != nil {
			w.leaks.header(h, w.tree.layer)
		}
		if in != nil {
			if err := w.file(t, h, name, in); err != nil {
				return fmt.Errorf("its tar is damaged: %w", err)
			}
		}
	}
}

// sourceError is a place that stopped giving bytes, whatever they are.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// interruptible ends with the context, and marks the errors of the place read from.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, &sourceError{context.Cause(i.ctx)}
	}
	n, err := i.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sourceError{err}
	}
	return n, err
}

// charged stops a stream that unpacks to more than is read.
type charged struct {
	r io.Reader
	w *walker
}

func (c *charged) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.w.unpacked += int64(n)
	if limit := c.w.tree.limits.Unpacked; c.w.unpacked > limit {
		return n, &boundError{fmt.Sprintf("it unpacks to more than %s", step.Size(limit))}
	}
	return n, err
}
