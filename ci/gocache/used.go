package gocache

import (
	"fmt"
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
	for i := range 256 {
		sub := fmt.Sprintf("%02x", i)
		list, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("reading the build cache: %w", err)
		}
		for _, d := range list {
			name := sub + "/" + d.Name()
			if !isObject(name) {
				continue
			}
			info, err := d.Info()
			if err == nil {
				err = each(name, info)
			}
			// Another go command may be trimming.
			if err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("reading the build cache: %w", err)
			}
		}
	}
	return nil
}
