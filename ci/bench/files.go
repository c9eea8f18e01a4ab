package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// copyAll copies files and folders; the module cache's are read-only, these are not.
func copyAll(to, from string, names ...string) error {
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, rel)
			if d.IsDir() {
				return os.MkdirAll(target, 0o755)
			}
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, text, 0o644)
		})
		if err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	return nil
}

// writeAll writes files below a folder.
func writeAll(to string, texts map[string]string) error {
	for name, text := range texts {
		file := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// forget removes what is in a folder but for some names in it, for example a/b, and
// without any the folder too. The go command makes the folders of modules read-only.
func forget(dir string, kept ...string) error {
	if len(kept) == 0 {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Chmod(path, 0o700)
			}
			return nil
		})
		return os.RemoveAll(dir)
	}
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, d := range list {
		if slices.Contains(kept, d.Name()) {
			continue
		}
		var below []string
		for _, k := range kept {
			if rest, ok := strings.CutPrefix(k, d.Name()+"/"); ok {
				below = append(below, rest)
			}
		}
		err = errors.Join(err, forget(filepath.Join(dir, d.Name()), below...))
	}
	return err
}

// exists tells whether a file is there.
func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
