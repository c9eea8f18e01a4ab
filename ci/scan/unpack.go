package scan

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
)

// blob is a layer while it comes.
type blob struct {
	from io.Reader
	want v1.Descriptor
	sum  hash.Hash
	n    int64
	err  error
}

func newBlob(from io.Reader, want v1.Descriptor) *blob {
	return &blob{from: io.LimitReader(from, want.Size+1), want: want, sum: sha256.New()}
}

func (b *blob) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.n += int64(n)
	b.sum.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// check reads what is left and tells whether all of it is what the manifest said.
func (b *blob) check() error {
	if b.err == nil {
		_, _ = io.Copy(io.Discard, struct{ io.Reader }{b})
	}
	got := "sha256:" + hex.EncodeToString(b.sum.Sum(nil))
	switch {
	case b.err != nil:
		return b.err
	case b.n < b.want.Size:
		return &blobError{fmt.Sprintf("its database ended after %d of %d bytes", b.n, b.want.Size)}
	case b.n > b.want.Size:
		return &blobError{fmt.Sprintf("its database has more than the %d bytes that its manifest says", b.want.Size)}
	case got != b.want.Digest.String():
		return &blobError{fmt.Sprintf("its database has the digest %s in place of %s", got, b.want.Digest)}
	}
	return nil
}

// blobError is a layer that is not what its manifest says, as a clause.
type blobError struct{ what string }

func (e *blobError) Error() string { return e.what }

// unpack writes the database's two files to dir, at most limit bytes of them. An error
// is a clause, or a *diskError.
func unpack(from io.Reader, dir string, limit int64) (metadata, error) {
	zipped, err := gzip.NewReader(from)
	if err != nil {
		return metadata{}, errors.New("its database is not gzip")
	}
	u := &unpacker{dir: dir, limit: limit}
	archive := tar.NewReader(&bounded{from: zipped, left: limit})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = u.entry(header, archive)
		}
		if err != nil {
			return metadata{}, u.clause(err)
		}
	}
	return u.found()
}

type unpacker struct {
	dir   string
	limit int64
	// database is whether its file was there, about the other one.
	database bool
	about    []byte
}

func (u *unpacker) entry(header *tar.Header, r io.Reader) error {
	name := path.Clean(header.Name)
	if name != databaseFile && name != metadataFile {
		return nil
	}
	switch {
	case header.Typeflag != tar.TypeReg:
		return &contentError{fmt.Sprintf("%s in its database is no regular file", name)}
	case name == databaseFile && u.database, name == metadataFile && u.about != nil:
		return &contentError{fmt.Sprintf("%s is in its database twice", name)}
	case name == metadataFile && header.Size > maxMetadata:
		return &contentError{fmt.Sprintf("%s has more than the %d bytes that are read", name, maxMetadata)}
	case name == metadataFile:
		var err error
		u.about, err = io.ReadAll(r)
		return err
	}
	u.database = true
	f, err := os.OpenFile(filepath.Join(u.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return &diskError{err}
	}
	defer f.Close()
	if _, err := io.Copy(disk{f}, r); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return &diskError{err}
	}
	return nil
}

func (u *unpacker) clause(err error) error {
	_, isDisk := errors.AsType[*diskError](err)
	_, isContent := errors.AsType[*contentError](err)
	switch {
	case isDisk, isContent:
		return err
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("its database unpacks to more than the %d bytes that are read", u.limit)
	}
	return fmt.Errorf("its database is damaged: %w", err)
}

// found returns what the database says of itself.
func (u *unpacker) found() (metadata, error) {
	var m metadata
	switch {
	case !u.database:
		return m, fmt.Errorf("its database has no %s", databaseFile)
	case u.about == nil:
		return m, fmt.Errorf("its database has no %s", metadataFile)
	}
	if err := json.Unmarshal(u.about, &m); err != nil {
		return m, fmt.Errorf("its %s is malformed", metadataFile)
	}
	switch {
	case m.Version != schema:
		return m, fmt.Errorf("its database has the schema %d in place of %d", m.Version, schema)
	case m.UpdatedAt.IsZero():
		return m, fmt.Errorf("its %s does not say when it was made", metadataFile)
	}
	return m, nil
}

// contentError is a database that is not like one, as a clause.
type contentError struct{ what string }

func (e *contentError) Error() string { return e.what }

var errTooLarge = errors.New("it is too large")

// bounded ends with an error after so many bytes.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// disk marks the errors of a file that is written.
type disk struct{ f *os.File }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}
