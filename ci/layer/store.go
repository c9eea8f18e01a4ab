package layer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/cache"
)

// New makes a layer in memory, for small contents, compressed by gzip.
func New(files []File, mtime time.Time) (v1.Layer, error) {
	var b bytes.Buffer
	s, err := write(&b, files, mtime, Gzip)
	if err != nil {
		return nil, err
	}
	return &blob{sums: s, compression: Gzip, open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }}, nil
}

// keepLayers bounds a store, in bytes.
const keepLayers = 2 << 30

// Store keeps compressed layers in a folder, by what is in them, so that files
// that did not change are neither compressed again nor held in memory.
type Store struct {
	dir  string
	kept bool
}

// NewStore returns a store in dir, which is made when the first layer is.
func NewStore(dir string) *Store { return &Store{dir: dir} }

// Kept returns the store as one that makes no layer: it has those that are kept, and an
// error instead of others. The programs in it need not be there.
func (s *Store) Kept() *Store { return &Store{dir: s.dir, kept: true} }

// Layer returns the layer of files, every entry with the same mtime.
func (s *Store) Layer(files []File, mtime time.Time, c Compression) (v1.Layer, error) {
	k, err := key(files, mtime, c)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(s.dir, k)
	if l, ok := load(name, c); ok {
		cache.Touch(file(name, c), time.Now())
		return l, nil
	}
	if s.kept {
		return nil, fmt.Errorf("the layer %s is not kept", k)
	}
	if err := s.make(name, files, mtime, c); err != nil {
		return nil, fmt.Errorf("keeping a layer in %s: %w", s.dir, err)
	}
	l, ok := load(name, c)
	if !ok {
		return nil, fmt.Errorf("reading back the layer %s", name)
	}
	return l, nil
}

// file is where a layer of a store lies.
func file(name string, c Compression) string {
	if c == Zstd {
		return name + ".tar.zst"
	}
	return name + ".tar.gz"
}

// load answers from the store. The digest of the bytes is checked by who writes
// them out, so a size check is enough to find what a crash left behind.
func load(name string, c Compression) (*blob, bool) {
	text, err := os.ReadFile(name + ".json")
	if err != nil {
		return nil, false
	}
	var s sums
	if json.Unmarshal(text, &s) != nil {
		return nil, false
	}
	info, err := os.Stat(file(name, c))
	if err != nil || info.Size() != s.Size {
		return nil, false
	}
	return &blob{sums: s, compression: c, open: func() (io.ReadCloser, error) { return os.Open(file(name, c)) }}, true
}

// make writes the sums last: they say that the layer is whole.
func (s *Store) make(name string, files []File, mtime time.Time, c Compression) error {
	var sum sums
	err := cache.Create(file(name, c), func(w io.Writer) (err error) {
		sum, err = write(w, files, mtime, c)
		return err
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	if err := cache.Write(name+".json", text); err != nil {
		return err
	}
	cache.Trim(s.dir, keepLayers, time.Now())
	return nil
}

// blob is a compressed layer whose sums are known.
type blob struct {
	sums
	compression Compression
	open        func() (io.ReadCloser, error)
}

func (b *blob) Digest() (v1.Hash, error)           { return b.sums.Digest, nil }
func (b *blob) DiffID() (v1.Hash, error)           { return b.sums.DiffID, nil }
func (b *blob) Size() (int64, error)               { return b.sums.Size, nil }
func (b *blob) Compressed() (io.ReadCloser, error) { return b.open() }

func (b *blob) MediaType() (types.MediaType, error) {
	if b.compression == Zstd {
		return types.OCILayerZStd, nil
	}
	return types.OCILayer, nil
}

func (b *blob) Uncompressed() (io.ReadCloser, error) {
	r, err := b.open()
	if err != nil {
		return nil, err
	}
	plain, err := b.compression.reader(r)
	if err != nil {
		r.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, r}, nil
}
