// Package cache writes what a run may use again: a reader finds a whole entry or
// none, whatever crashed or ran beside it, and the oldest entries make room.
package cache

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Write puts text under a name, and makes the folders above it.
func Write(name string, text []byte) error {
	return Create(name, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// Create puts under a name what fill writes. Where fill or the disk fails, nothing
// is left and an earlier entry stays as it was.
func Create(name string, fill func(w io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", name, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), temporary+"*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	err = fill(tmp)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// temporary begins the name of every file and folder that is not an entry yet.
const temporary = ".new-"

// Touch tells Trim that an entry was used.
func Touch(name string, now time.Time) {
	// A cache that cannot be written still answers.
	_ = os.Chtimes(name, now, now)
}

// Trim removes the entries of dir that were used longest ago until the rest takes
// at most limit bytes, and what crashed runs left. An entry is a file or a folder
// directly in dir. Entries used within the last hour stay: another run may hold them.
func Trim(dir string, limit int64, now time.Time) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	type entry struct {
		name string
		used time.Time
		size int64
	}
	var entries []entry
	var total int64
	for _, d := range list {
		info, err := d.Info()
		if err != nil {
			continue
		}
		e := entry{filepath.Join(dir, d.Name()), info.ModTime(), Size(filepath.Join(dir, d.Name()))}
		entries, total = append(entries, e), total+e.size
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total <= limit || now.Sub(e.used) < time.Hour {
			return
		}
		if os.RemoveAll(e.name) == nil {
			total -= e.size
		}
	}
}

// Size is that of all files in a folder, or of a file. What cannot be read, or goes away
// meanwhile, counts as nothing.
func Size(name string) int64 {
	var total int64
	_ = filepath.WalkDir(name, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
