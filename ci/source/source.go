// Package source identifies a source set: the list of files that a build reads,
// with their contents.
package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/fault"
)

// Hash identifies files, which are slash paths relative to root, by their names
// and contents: sha256: and a digest. Modes and times do not count, since they do
// not reach a binary. A link is followed as the compiler follows it, but not out
// of tree, the folder that all sources must lie in.
func Hash(root, tree string, files []string) (string, error) {
	return NewFiles(root, tree).Hash(files)
}

// Files are those of a source folder at one time: each is read once, however many source
// sets it is in.
type Files struct {
	root, tree string
	sums       map[string]string
}

// NewFiles reads nothing yet.
func NewFiles(root, tree string) *Files { return &Files{root, tree, map[string]string{}} }

// Hash is that of the package, for files that may have been read already.
func (f *Files) Hash(files []string) (string, error) {
	all := sha256.New()
	for _, file := range files {
		sum, known := f.sums[file]
		if !known {
			var err error
			if sum, err = HashFile(filepath.Join(f.root, filepath.FromSlash(file)), f.tree); err != nil {
				return "", err
			}
			f.sums[file] = sum
		}
		fmt.Fprintf(all, "%s  %s\n", sum, file)
	}
	return "sha256:" + hex.EncodeToString(all.Sum(nil)), nil
}

// HashFile returns the hexadecimal digest of a regular file inside tree.
func HashFile(name, tree string) (string, error) {
	f, err := Open(name, tree)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading the source file %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Open opens a regular file inside tree. A link is followed, but not out of tree.
func Open(name, tree string) (*os.File, error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, fmt.Errorf("reading the source file %s: %w", name, err)
	}
	if !Within(tree, real) {
		return nil, fault.New(fault.Usage, "the source file %s is a link to %s, outside %s", name, real, tree).
			WithFix("copy the file into the source folder")
	}
	// A named pipe is not opened: that would wait for a writer.
	if info, err := os.Stat(real); err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.Usage, "the source file %s is not a regular file", name).WithFix("remove it")
	}
	f, err := os.Open(real)
	if err != nil {
		return nil, fmt.Errorf("reading the source file %s: %w", name, err)
	}
	return f, nil
}

// Within tells whether a path lies in a folder, both absolute and clean.
func Within(tree, name string) bool {
	rel, err := filepath.Rel(tree, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
