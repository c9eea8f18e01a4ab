package dagger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/source"
)

// The engine is not given the source folder but a folder with the wanted files alone:
// links are followed as the compiler follows them, nothing else can go in, and only
// what changed is sent again.

// staged makes the folder of that name have exactly the files, and calls use with it.
// Nobody else changes the folder meanwhile.
func (e *Engine) staged(name string, files map[string]func() ([]byte, error), use func(dir string) error) error {
	top, err := e.folder("stage")
	if err != nil {
		return fmt.Errorf("making the folder for staged sources: %w", err)
	}
	key := sha256.Sum256([]byte(e.src.Root + "\x00" + name))
	dir := filepath.Join(top, hex.EncodeToString(key[:8]))
	unlock, err := lockedfile.MutexAt(dir + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("locking the folder for staged sources: %w", err)
	}
	defer unlock()
	if err := remove(dir, files); err != nil {
		return fmt.Errorf("staging the sources: %w", err)
	}
	for name, read := range files {
		text, err := read()
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return fmt.Errorf("staging the sources: %w", err)
		}
	}
	return use(dir)
}

// remove takes away what an earlier run staged and this one does not want.
func remove(dir string, wanted map[string]func() ([]byte, error)) error {
	folders := map[string]bool{".": true}
	for name := range wanted {
		for at := filepath.Dir(filepath.FromSlash(name)); !folders[at]; at = filepath.Dir(at) {
			folders[at] = true
		}
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || d.IsDir() && folders[rel] {
			return err
		}
		if _, ok := wanted[filepath.ToSlash(rel)]; ok && d.Type().IsRegular() {
			return nil
		}
		if err := os.RemoveAll(name); err != nil || !d.IsDir() {
			return err
		}
		return fs.SkipDir
	})
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// write leaves a file alone that has the text already: its time would count as a change.
func write(name string, text []byte) error {
	if known, err := os.ReadFile(name); err == nil && bytes.Equal(known, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// sourceSet reads the files of a target's source set.
func (e *Engine) sourceSet(set engine.SourceSet) (map[string]func() ([]byte, error), error) {
	files := map[string]func() ([]byte, error){}
	for _, file := range set.Files {
		at := e.inTree(file)
		if at == ".." || strings.HasPrefix(at, "../") {
			return nil, fault.New(fault.Usage, "the source file %s lies outside %s", file, e.src.TreeRoot).WithFix("put it into the source folder")
		}
		name := filepath.Join(e.src.Root, filepath.FromSlash(file))
		files[at] = func() ([]byte, error) {
			f, err := source.Open(name, e.src.TreeRoot)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return io.ReadAll(f)
		}
	}
	return files, nil
}

// skeletonFiles are what go list reads.
func (e *Engine) skeletonFiles(ctx context.Context) (map[string]func() ([]byte, error), error) {
	bones, err := e.bones(ctx)
	if err != nil {
		return nil, err
	}
	files := map[string]func() ([]byte, error){}
	for name, text := range bones {
		files[name] = func() ([]byte, error) { return text, nil }
	}
	return files, nil
}
