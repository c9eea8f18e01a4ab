// Package layer makes image layers whose bytes depend on the files in them and on
// nothing else: not on the clock, the user, the umask, or the Go that compiled Slipway.
//
// The tar is written in one header format and compressed by klauspost's packages at
// one level for each compression, gzip in blocks of one size, side by side. The
// standard library's gzip is not used, because its output changes between Go releases
// (1.26 to 1.27, measured) and Slipway is compiled by whatever Go is there.
package layer

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// Level is the one gzip level. On Go binaries 6 is 2 % larger than 9 and takes a
// third of its time (docs/decisions.md).
const Level = 6

// block is how much is compressed at a time, in bytes. The bytes of a layer depend on it,
// and not on how many blocks are compressed side by side.
const block = 1 << 20

// sums is what identifies a written layer.
type sums struct {
	Digest v1.Hash `json:"digest"`
	DiffID v1.Hash `json:"diffID"`
	Size   int64   `json:"size"`
	// Unpacked is the size of the tar in bytes.
	Unpacked int64 `json:"unpacked"`
}

// Compression is how a layer is compressed.
type Compression string

// The compressions. Zstandard's layers are smaller, and older runtimes do not read them.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Writer compresses what is written to it, always in the same way.
func (c Compression) Writer(w io.Writer) (io.WriteCloser, error) {
	if c == Zstd {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	}
	z, err := pgzip.NewWriterLevel(w, Level)
	if err != nil {
		return nil, err
	}
	return z, z.SetConcurrency(block, runtime.GOMAXPROCS(0))
}

// reader is the way back of Writer.
func (c Compression) reader(r io.Reader) (io.Reader, error) {
	if c == Zstd {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
	return gzip.NewReader(r)
}

// write writes the compressed tar of files to w, every entry with one mtime.
func write(w io.Writer, files []File, mtime time.Time, c Compression) (sums, error) {
	compressed := newCounter(w)
	zip, err := c.Writer(compressed)
	if err != nil {
		return sums{}, err
	}
	plain := newCounter(zip)
	if err := writeTar(plain, files, mtime); err != nil {
		return sums{}, errors.Join(err, zip.Close())
	}
	if err := zip.Close(); err != nil {
		return sums{}, fmt.Errorf("compressing the layer: %w", err)
	}
	return sums{Digest: compressed.sum(), DiffID: plain.sum(), Size: compressed.n, Unpacked: plain.n}, nil
}

func writeTar(w io.Writer, files []File, mtime time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		if err := writeFile(t, f, mtime); err != nil {
			return fmt.Errorf("adding %s to the layer: %w", f.Path, err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("ending the layer: %w", err)
	}
	return nil
}

func writeFile(t *tar.Writer, f File, mtime time.Time) error {
	h := f.header(mtime)
	if h.Typeflag != tar.TypeReg {
		return t.WriteHeader(h)
	}
	r, size, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	h.Size = size
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	// A file that grew meanwhile is an error of the tar writer; one that shrank
	// is found when the next header is written.
	content := sha256.New()
	if _, err := io.Copy(io.MultiWriter(t, content), r); err != nil {
		return err
	}
	if sum := hex.EncodeToString(content.Sum(nil)); f.SHA256 != "" && sum != f.SHA256 {
		return fmt.Errorf("the bytes of %s hash to %s, not to %s", f.Source, sum, f.SHA256)
	}
	return nil
}

// header has one format for every entry: PAX, which adds records only where a
// name or a capability needs one, and whole seconds, so that none is for time.
func (f File) header(mtime time.Time) *tar.Header {
	h := &tar.Header{
		Format: tar.FormatPAX, Typeflag: tar.TypeReg, Name: f.Path, Linkname: f.Link, Uid: f.UID, Gid: f.GID,
		Mode: int64(f.Mode.Perm()), ModTime: mtime.UTC().Truncate(time.Second),
	}
	switch {
	case f.Mode&fs.ModeDir != 0:
		h.Typeflag, h.Name = tar.TypeDir, f.Path+"/"
	case f.Mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Mode = tar.TypeSymlink, 0o777
	}
	if f.Mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	if len(f.Capability) > 0 {
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(f.Capability)}
	}
	return h
}

// counter hashes and counts what passes through it.
type counter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func newCounter(w io.Writer) *counter { return &counter{w: w, h: sha256.New()} }

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}

func (c *counter) sum() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(c.h.Sum(nil))}
}
