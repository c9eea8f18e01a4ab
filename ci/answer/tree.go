package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// The bounds of a tree. Reading a larger one takes longer than asking the go command.
const (
	maxFiles = 50_000
	maxBytes = 512 << 20
)

// ErrUncertain is in the chain of the error for a tree that has no hash.
var ErrUncertain = errors.New("what it is made of is not certain")

// Place is what to hash.
type Place struct {
	// Tree is the folder that all sources lie in.
	Tree string
	// Roots are the folders and files in it that the go command may read. Those that are
	// missing count as such.
	Roots []string
	// Except are folders that Slipway writes.
	Except []string
}

// Files are hashed files.
type Files struct {
	// Hash identifies their names, contents and x-bits.
	Hash string
	tree string
	have map[string]bool
}

// Covers tells whether a file, named by its path, was hashed under its own name.
func (f Files) Covers(name string) bool {
	real, err := filepath.EvalSymlinks(name)
	return err == nil && (f.have[slash(f.tree, name)] || f.have[slash(f.tree, real)])
}

// entry is a file or link.
type entry struct {
	name string // a slash path in the tree
	kind string
	sum  string
}

// Hash hashes a tree: all regular files but those of git, which no program embeds and
// hardly one imports. Whoever uses the hash asks Covers for the files of a build.
func Hash(ctx context.Context, p Place) (Files, error) {
	w := &walk{Place: p, have: map[string]bool{}}
	for _, root := range p.Roots {
		if err := w.root(ctx, root); err != nil {
			return Files{}, err
		}
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range w.all {
		group.Go(func() (err error) {
			if within.Err() != nil {
				return context.Cause(within)
			}
			w.all[i].sum, err = w.content(w.all[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Files{}, err
	}
	slices.SortFunc(w.all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	h := sha256.New()
	for _, e := range w.all {
		fmt.Fprintf(h, "%s %q %q\n", e.kind, e.name, e.sum)
	}
	return Files{Hash: hex.EncodeToString(h.Sum(nil)), tree: p.Tree, have: w.have}, nil
}

// walk gathers what is to be hashed.
type walk struct {
	Place
	all  []entry
	have map[string]bool
	size int64
}

func (w *walk) root(ctx context.Context, root string) error {
	if _, err := os.Lstat(root); errors.Is(err, fs.ErrNotExist) {
		w.add(entry{name: slash(w.Tree, root), kind: "missing"})
		return nil
	}
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		case d.Name() == ".git", d.IsDir() && slices.Contains(w.Except, name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if w.have[slash(w.Tree, name)+"/"] {
				return fs.SkipDir // below another root
			}
			w.have[slash(w.Tree, name)+"/"] = true
			return nil
		}
		return w.file(name, d)
	})
}

func (w *walk) file(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	e := entry{name: slash(w.Tree, name), kind: "other"}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		e.kind = "link"
	case info.Mode().IsRegular():
		e.kind = "file"
		// The owner's x-bit is the one that git knows.
		if info.Mode()&0o100 != 0 && runtime.GOOS != "windows" {
			e.kind = "program"
		}
		w.size += info.Size()
	}
	w.add(e)
	if len(w.all) > maxFiles || w.size > maxBytes {
		return fmt.Errorf("%w: it has more than %d files or %d bytes", ErrUncertain, maxFiles, maxBytes)
	}
	return nil
}

func (w *walk) add(e entry) {
	if !w.have[e.name] {
		w.have[e.name] = true
		w.all = append(w.all, e)
	}
}

// content identifies what is behind a name.
func (w *walk) content(e entry) (string, error) {
	name := filepath.Join(w.Tree, filepath.FromSlash(e.name))
	switch e.kind {
	case "file", "program":
		return hashFile(name)
	case "link":
		return w.link(name)
	}
	return "", nil
}

// link identifies where a link leads, and what is there. A folder has to be among those
// that are hashed.
func (w *walk) link(name string) (string, error) {
	target, err := os.Readlink(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return target + "\nnothing", nil
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrUncertain, err)
	case info.IsDir() && !w.have[slash(w.Tree, real)+"/"]:
		return "", fmt.Errorf("%w: %s leads to a folder outside the modules", ErrUncertain, name)
	case info.IsDir():
		return target + "\nfolder " + slash(w.Tree, real), nil
	case !info.Mode().IsRegular():
		return target + "\nother", nil
	}
	sum, err := hashFile(real)
	return target + "\nfile " + sum, err
}

func hashFile(name string) (string, error) {
	// What was a pipe meanwhile is not waited for.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBytes {
		return "", fmt.Errorf("%w: %s is not a file of the tree any more", ErrUncertain, name)
	}
	sum, err := digest(f)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return sum, nil
}

// slash is a path in a tree. One outside begins with two dots.
func slash(tree, name string) string {
	rel, err := filepath.Rel(tree, name)
	if err != nil {
		return "../" + path.Base(filepath.ToSlash(name))
	}
	return filepath.ToSlash(rel)
}
