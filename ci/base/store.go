package base

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/fault"
)

// store keeps files in a folder by their SHA-256. A name is no promise: what a
// crash, a full disk or somebody else left there is found by reading it.
type store struct{ dir string }

func (s store) path(h v1.Hash) string { return filepath.Join(s.dir, h.Algorithm, h.Hex) }

// read returns a file of at most limit bytes, or false if there is none or it is
// not what its name says.
func (s store) read(h v1.Hash, limit int64) ([]byte, bool) {
	f, err := os.Open(s.path(h))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil, false
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:]) == h.Hex
}

// has tells whether a file is there, whole and unchanged.
func (s store) has(h v1.Hash, size int64) bool {
	if info, err := os.Stat(s.path(h)); err != nil || info.Size() != size {
		return false
	}
	r, err := s.open(h)
	if err != nil {
		return false
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err == nil
}

// open returns a reader that ends with an error if the file is not what its name says.
func (s store) open(h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(s.path(h))
	if err != nil {
		return nil, fmt.Errorf("opening a layer of the base: %w", err)
	}
	return &verified{file: f, want: h, sum: sha256.New()}, nil
}

// verified does not embed the file: io.Copy would use the file's own WriteTo and
// go around Read.
type verified struct {
	file *os.File
	want v1.Hash
	sum  hash.Hash
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.file.Read(p)
	v.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(v.sum.Sum(nil)) != v.want.Hex {
		return n, fmt.Errorf("%s was changed since it was fetched", v.file.Name())
	}
	return n, err
}

func (v *verified) Close() error { return v.file.Close() }

// write keeps a document whose digest was checked.
func (s store) write(h v1.Hash, data []byte) error {
	return s.put(h, int64(len(data)), bytes.NewReader(data))
}

// put keeps what r has under the digest h, if it is that. Anything else is a
// *mismatchError or a *tooLargeError, and leaves nothing behind.
func (s store) put(h v1.Hash, size int64, r io.Reader) error {
	f, err := s.create(h)
	if err != nil {
		return s.unwritable(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	sum := sha256.New()
	source := &noted{r: io.LimitReader(r, size+1)}
	n, err := io.Copy(io.MultiWriter(f, sum), source)
	switch {
	case source.err != nil:
		return source.err
	case err != nil:
		return s.unwritable(err)
	case n > size:
		return &tooLargeError{limit: size}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != h.Hex {
		return &mismatchError{got: v1.Hash{Algorithm: "sha256", Hex: got}}
	}
	if err := f.Close(); err != nil {
		return s.unwritable(err)
	}
	if err := os.Rename(f.Name(), s.path(h)); err != nil {
		return s.unwritable(err)
	}
	return nil
}

func (s store) create(h v1.Hash) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(s.path(h)), 0o755); err != nil {
		return nil, err
	}
	return os.CreateTemp(filepath.Dir(s.path(h)), ".new-*")
}

func (s store) unwritable(err error) error {
	return fault.New(fault.Usage, "keeping a base in %s: %v", s.dir, err).WithCause(err).
		WithFix("make that folder writable, or choose another one for the cache")
}

// noted remembers how reading ended, to tell a broken download from a full disk.
type noted struct {
	r   io.Reader
	err error
}

func (n *noted) Read(p []byte) (int, error) {
	count, err := n.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return count, err
}
