package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

var (
	errIrregular = errors.New("it is not a regular file")
	errOutside   = errors.New("it is a link that leads out of the source tree")
)

// readRegular reads a file of at most limit bytes, following links inside the tree.
func (p *Project) readRegular(name string, limit int64) ([]byte, error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, err
	}
	if !within(p.TreeRoot, real) {
		return nil, errOutside
	}
	f, err := openRegular(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return text, nil
}

// openRegular opens a regular file and nothing else: opening a pipe may block for
// ever, opening a device may do anything. What is swapped in between the look and
// the opening does not block either.
func openRegular(name string) (*os.File, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errIrregular
	}
	return f, nil
}

// list returns the entries of a folder, in no order, and stops when ctx ends: a
// folder may have millions.
func list(ctx context.Context, dir string) ([]fs.DirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []fs.DirEntry
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		some, err := f.ReadDir(1024)
		all = append(all, some...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// resolveAsFar resolves the links of a path of which the last parts may be missing.
func resolveAsFar(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	parent := filepath.Dir(name)
	if parent == name {
		return name
	}
	return filepath.Join(resolveAsFar(parent), filepath.Base(name))
}

// within tells whether name is tree or lies in it.
func within(tree, name string) bool {
	rel, err := filepath.Rel(tree, name)
	return err == nil && filepath.IsLocal(rel)
}

// relative is the slash path that leads from one folder to another.
func relative(from, to string) string {
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to)
	}
	return filepath.ToSlash(rel)
}

// exists tells whether there is anything but a folder of that name.
func exists(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && !info.IsDir()
}

// reason is what an error of the os package says without its path, which may be
// very long and is said already.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// shown makes a text from the source folder fit to be printed: escape sequences
// and line ends are quoted, and very long ones shortened.
func shown(s string) string {
	s = shorten(s)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func shorten(s string) string {
	const most = 512
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
