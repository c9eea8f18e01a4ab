package gocache

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// rest is how far back Mark sets times: cmd/go sets the time of what it uses anew where
// that is more than an hour ago, and removes what it has not used for five days.
const rest = 2 * time.Hour

// Mark makes it visible what a build uses of a build cache: it sets the times of all else
// back. GOCACHEPROG would say the same and more, but for a process and a protocol between
// the go command and every object, all of which a linker reads from files in the end.
func Mark(dir string, now time.Time) error {
	return walk(dir, func(name string, info fs.FileInfo) error {
		if now.Sub(info.ModTime()) >= rest {
			return nil
		}
		return os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), now.Add(-rest), now.Add(-rest))
	})
}

// Used are the objects of a build cache that were used since it was marked.
func Used(dir string) ([]File, error) {
	var files []File
	since := time.Now().Add(-rest / 2)
	err := walk(dir, func(name string, info fs.FileInfo) error {
		if info.ModTime().After(since) && info.Mode().IsRegular() {
			path := filepath.Join(dir, filepath.FromSlash(name))
			files = append(files, File{Part: Objects, Name: name, Path: path, Group: name, Size: info.Size()})
		}
		return nil
	})
	return files, err
}

// walk goes over the objects of a build cache, and over nothing else that lies there.
func walk(dir string, each func(name string, info fs.FileInfo) error) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || !isObject(filepath.ToSlash(rel)) {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil // another go command is trimming
		}
		if err != nil {
			return err
		}
		return each(filepath.ToSlash(rel), info)
	})
	if os.IsNotExist(err) {
		return nil // nothing was ever built
	}
	return err
}
