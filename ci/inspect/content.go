package inspect

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

// Bounds on the files that are kept, in bytes.
const (
	maxBundle   = 4 << 20
	maxZone     = 64 << 10
	maxAccounts = 1 << 20
	maxDatabase = 8 << 20
	maxNotice   = 64 << 10
)

// content looks at a regular file while it passes: it keeps the few that are
// judged by what is in them, and looks into programs.
func (w *walker) content(r io.Reader, h *tar.Header, name string, in *inode) error {
	if isSparse(h) {
		return nil
	}
	if limit := keeps(name); in.size <= limit && w.kept+in.size <= w.tree.limits.Kept {
		data, err := io.ReadAll(r)
		w.kept += int64(len(data))
		in.data = data
		return err
	}
	if in.mode&0o111 == 0 {
		return nil
	}
	w.program.Reset()
	const magic = "\x7fELF"
	if _, err := io.CopyN(&w.program, r, int64(len(magic))); errors.Is(err, io.EOF) || w.program.String() != magic {
		return nil
	} else if err != nil {
		return err
	}
	if in.size > w.tree.limits.Program {
		in.program = &Program{Size: in.size, Unread: "it is larger than what is looked into"}
		return nil
	}
	// At once, because a buffer that grows leaves its smaller selves behind. Within a
	// bound, because a header may promise more than the tar has.
	w.program.Grow(int(min(in.size, 64<<20)) + bytes.MinRead)
	if _, err := io.Copy(&w.program, r); err != nil {
		return err
	}
	in.program = newProgram(w.program.Bytes())
	w.keep(in.program)
	return nil
}

// keep counts what a program says that it is linked from, which a hostile image may
// repeat in thousands of programs.
func (w *walker) keep(p *Program) {
	if p.Go == nil {
		return
	}
	for _, d := range p.Go.Dependencies {
		w.kept += int64(len(d.Path) + len(d.Version) + len(d.Sum))
	}
	if w.kept > w.tree.limits.Kept {
		*p = Program{Size: p.Size, Unread: "the programs of the image list more modules than are looked at"}
	}
}

// isSparse tells whether a file may be larger than its part of the tar: reading its
// holes would cost time that the bound on what is unpacked does not know of.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// keeps returns up to which size the content of a file is kept; below zero it is
// not. Links are why it is not only the names that are looked for in the end.
func keeps(name string) int64 {
	switch {
	case name == accountsPath[1:], name == groupsPath[1:]:
		return maxAccounts
	case strings.Contains(name, "share/zoneinfo/"):
		return maxZone
	case isPackageList(name):
		return maxDatabase
	case isNotice(name):
		return maxNotice
	case path.Ext(name) == ".crt", path.Ext(name) == ".pem":
		return maxBundle
	}
	return -1
}

// read returns the kept content of the file that a path leads to, if there is any.
func (t *tree) read(name string) []byte {
	at, err := t.find(name, true)
	if err != nil {
		return nil
	}
	return at.data
}
