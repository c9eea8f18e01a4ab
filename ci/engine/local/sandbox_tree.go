package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// copyTree gives the next command a source tree of its own, in the place of the real one:
// tests that write beside their sources may, as on a developer's machine, and nothing of
// it is in the tree or in the way of the next command.
func (b *sandbox) copyTree() (err error) {
	if !b.apart {
		return nil
	}
	if b.copied != "" {
		if err := os.RemoveAll(b.copied); err != nil {
			return err
		}
	}
	b.copied = filepath.Join(b.dir, fmt.Sprint("tree", b.turn))
	if err := os.Mkdir(b.copied, 0o755); err != nil {
		return err
	}
	c := treeCopy{user: b.user, apart: []string{b.dir, b.e.cache, b.e.root, b.e.goCommand.Modules}, times: map[string]fs.FileInfo{}}
	if c.from, err = os.OpenRoot(b.e.goCommand.Source.TreeRoot); err != nil {
		return err
	}
	defer func() { _ = c.from.Close() }()
	if c.to, err = os.OpenRoot(b.copied); err != nil {
		return err
	}
	defer func() { _ = c.to.Close() }()
	if err := fs.WalkDir(c.from.FS(), ".", c.entry); err != nil {
		return err
	}
	return c.finish()
}

// treeCopy copies a tree for a user. What they may not read stays root's; links stay links;
// what git keeps, what Slipway wrote and what has a place of its own is left out.
type treeCopy struct {
	from, to *os.Root
	user     int
	apart    []string
	// times are the folders, whose times change while they fill.
	times map[string]fs.FileInfo
}

func (c *treeCopy) entry(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if c.leaves(name, d) {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		return c.folder(name, info)
	case info.Mode().Type() == fs.ModeSymlink:
		return c.link(name)
	case info.Mode().IsRegular():
		return c.file(name, info)
	}
	return nil
}

// closed tells whether the user of the tests may not do with a file what everybody may who
// has the right of that bit.
func (c *treeCopy) closed(info fs.FileInfo, bit fs.FileMode) bool {
	return c.user != 0 && info.Mode()&bit == 0
}

func (c *treeCopy) leaves(name string, d fs.DirEntry) bool {
	return d.Name() == ".git" || name == ".slipway" || d.IsDir() && slices.Contains(c.apart, filepath.Join(c.from.Name(), name))
}

func (c *treeCopy) folder(name string, info fs.FileInfo) error {
	mode := info.Mode().Perm()
	if name != "." {
		if err := c.to.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	if err := c.to.Chmod(name, mode); err != nil {
		return err
	}
	if c.closed(info, 0o001) {
		return fs.SkipDir
	}
	c.times[name] = info
	return c.to.Lchown(name, c.user, c.user)
}

func (c *treeCopy) link(name string) error {
	to, err := c.from.Readlink(name)
	if err == nil {
		err = c.to.Symlink(to, name)
	}
	return err
}

func (c *treeCopy) file(name string, info fs.FileInfo) error {
	in, err := c.from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := c.to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Chmod(info.Mode().Perm()))
	if !c.closed(info, 0o004) {
		err = errors.Join(err, out.Chown(c.user, c.user))
	}
	// The go command knows by a file's time whether a test's result still holds.
	return errors.Join(err, out.Close(), c.to.Chtimes(name, info.ModTime(), info.ModTime()))
}

func (c *treeCopy) finish() error {
	for name, info := range c.times {
		if err := c.to.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
			return err
		}
	}
	return nil
}
