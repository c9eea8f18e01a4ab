package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/fault"
)

// schema is the version of the database's form that the accepted scanner reads.
const schema = 2

// The names of files. What is kept is a cache folder of the scanner, with a file
// beside the database that the scanner does not know of.
const (
	databaseFile = "trivy.db"
	metadataFile = "metadata.json"
	originFile   = "origin.json"
	temporary    = ".new-"
)

// maxMetadata bounds the small files, in bytes.
const maxMetadata = 64 << 10

// metadata is what a database says of itself, in metadata.json.
type metadata struct {
	Version      int
	NextUpdate   time.Time
	UpdatedAt    time.Time
	DownloadedAt time.Time
}

// origin is where a database came from.
type origin struct {
	Repository string
	Digest     string
	// Size is that of trivy.db in bytes.
	Size int64
}

// kept is a database in the store.
type kept struct {
	metadata
	origin
	dir string
}

func (k *kept) database(cached bool, note string) *Database {
	return &Database{
		Folder: k.dir, Repository: k.Repository, Digest: k.Digest, Updated: k.UpdatedAt.UTC(), Cached: cached, Note: note,
	}
}

// early tells whether a database is to be made after a time. Clocks differ a little.
func (k *kept) early(now time.Time) bool { return k.UpdatedAt.Sub(now) > time.Hour }

// store keeps databases by the digest of their manifest. Its caller holds the lock.
type store struct {
	dir string
	now func() time.Time
}

func (s *store) make() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return s.unwritable(err)
	}
	return nil
}

func (s *store) path(digest string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, "sha256:"))
}

// open returns the database of a manifest, or nil if there is none that is whole.
func (s *store) open(digest string) *kept {
	k := &kept{dir: s.path(digest)}
	if read(filepath.Join(k.dir, originFile), &k.origin) != nil || k.Digest != digest {
		return nil
	}
	if read(filepath.Join(k.dir, "db", metadataFile), &k.metadata) != nil || k.Version != schema {
		return nil
	}
	info, err := os.Lstat(filepath.Join(k.dir, "db", databaseFile))
	if err != nil || !info.Mode().IsRegular() || info.Size() != k.Size {
		return nil
	}
	return k
}

func read(name string, to any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(io.LimitReader(f, maxMetadata)).Decode(to)
}

// all returns what is kept, the newest first, but for what says that it is still to
// be made: that would be the newest for ever.
func (s *store) all() []*kept {
	var list []*kept
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if k := s.open("sha256:" + e.Name()); k != nil && !k.early(s.now()) {
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b *kept) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	return list
}

// newest returns the newest database that came from one of the repositories, or nil:
// somebody who names other repositories does not trust those of before.
func (s *store) newest(repositories []string) *kept {
	for _, k := range s.all() {
		if slices.Contains(repositories, k.Repository) {
			return k
		}
	}
	return nil
}

// put keeps what unpack writes into a folder. An error of unpack leaves nothing.
func (s *store) put(from origin, unpack func(dir string) (metadata, error)) (*kept, error) {
	dir, err := os.MkdirTemp(s.dir, temporary)
	if err != nil {
		return nil, s.unwritable(err)
	}
	defer os.RemoveAll(dir)
	db := filepath.Join(dir, "db")
	// The scanner may run as another user.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(db, 0o755)); err != nil {
		return nil, s.unwritable(err)
	}
	m, err := unpack(db)
	if disk, ok := errors.AsType[*diskError](err); ok {
		return nil, s.unwritable(disk.err)
	}
	if err != nil {
		return nil, err
	}
	// The scanner takes a database without this time for a damaged one.
	m.DownloadedAt = s.now().UTC()
	info, err := os.Stat(filepath.Join(db, databaseFile))
	if err != nil {
		return nil, s.unwritable(err)
	}
	from.Size = info.Size()
	final := s.path(from.Digest)
	err = errors.Join(write(filepath.Join(db, metadataFile), m), write(filepath.Join(dir, originFile), from), os.RemoveAll(final))
	if err == nil {
		err = os.Rename(dir, final)
	}
	if err != nil {
		return nil, s.unwritable(err)
	}
	return &kept{metadata: m, origin: from, dir: final}, nil
}

// again notes which repository has a database that is kept.
func (s *store) again(k *kept, repository string) (*kept, error) {
	k.Repository = repository
	if err := write(filepath.Join(k.dir, originFile), k.origin); err != nil {
		return nil, s.unwritable(err)
	}
	return k, nil
}

func write(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := cache.Write(name, append(text, '\n')); err != nil {
		return err
	}
	return os.Chmod(name, 0o644)
}

// trim leaves the two newest databases: a run that began earlier may hold the older
// one. What a crashed run left goes too.
func (s *store) trim() {
	stay := map[string]bool{".lock": true}
	for i, k := range s.all() {
		stay[filepath.Base(k.dir)] = i < 2
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !stay[e.Name()] {
			// What cannot be removed costs space only.
			_ = os.RemoveAll(filepath.Join(s.dir, e.Name()))
		}
	}
}

func (s *store) unwritable(err error) error {
	return fault.New(fault.Usage, "keeping the vulnerability database in %s: %v", s.dir, err).WithCause(err).
		WithFix("make that folder writable and look for space on its disk, or choose another one for the cache")
}

// diskError is a failure of this machine, not of a repository.
type diskError struct{ err error }

func (e *diskError) Error() string { return fmt.Sprintf("writing the database: %v", e.err) }
func (e *diskError) Unwrap() error { return e.err }
