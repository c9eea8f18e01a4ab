package inspect

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Names that layers use to take away what lower layers have.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
	reserved = ".wh..wh." // of AUFS, nothing that is seen
)

// apply puts an entry of a layer's tar into the tree. What it returns is the inode
// of a regular file, whose content the caller may look at.
//
// A name is taken from the root, whatever dots it has: nothing leaves the tree, and
// this is what runtimes do.
func (t *tree) apply(h *tar.Header) (string, *inode, error) {
	if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
		return "", nil, fmt.Errorf("it has a path of %d bytes, and Linux allows %d", max(len(h.Name), len(h.Linkname)), maxPath)
	}
	name := path.Clean("/" + h.Name)
	dir, base := path.Split(name)
	if strings.HasPrefix(base, whiteout) {
		return "", nil, t.takeAway(dir, base)
	}
	in := newInode(h)
	if in == nil {
		return "", nil, nil
	}
	if base == "" {
		if in.mode.IsDir() {
			t.root.inode, t.root.layer = in, t.layer
		}
		return "", nil, nil
	}
	parent, err := t.folder(dir)
	if err != nil {
		return "", nil, blame(name, err)
	}
	if h.Typeflag == tar.TypeLink {
		target, err := t.find(h.Linkname, false)
		if err != nil || target.mode.IsDir() {
			return "", nil, fmt.Errorf("its file %q is a hard link to %q, which is no file in it", name, h.Linkname)
		}
		_, err = t.put(parent, base, target.inode)
		return "", nil, blame(name, err)
	}
	if _, err := t.put(parent, base, in); err != nil {
		return "", nil, blame(name, err)
	}
	if !in.mode.IsRegular() {
		return "", nil, nil
	}
	return name, in, nil
}

// blame names the file at which a layer cannot be unpacked. A bound is on no one file.
func blame(name string, err error) error {
	if _, bound := errors.AsType[*boundError](err); err == nil || bound {
		return err
	}
	return fmt.Errorf("its file %q cannot be unpacked: %w", name, err)
}

func newInode(h *tar.Header) *inode {
	in := &inode{uid: h.Uid, gid: h.Gid, mode: fs.FileMode(h.Mode).Perm()}
	if h.Mode&0o4000 != 0 {
		in.mode |= fs.ModeSetuid
	}
	if h.Mode&0o2000 != 0 {
		in.mode |= fs.ModeSetgid
	}
	if h.Mode&0o1000 != 0 {
		in.mode |= fs.ModeSticky
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse, tar.TypeLink:
		in.size = h.Size
	case tar.TypeDir:
		in.mode |= fs.ModeDir
	case tar.TypeSymlink:
		in.mode, in.link = in.mode|fs.ModeSymlink, h.Linkname
	case tar.TypeChar, tar.TypeBlock:
		in.mode |= fs.ModeDevice
	case tar.TypeFifo:
		in.mode |= fs.ModeNamedPipe
	default:
		return nil
	}
	return in
}

// takeAway carries out a whiteout. It reaches what lower layers put there and
// never what its own layer does, in whichever order the tar has them.
func (t *tree) takeAway(dir, base string) error {
	at, err := t.find(dir, true)
	if bound, ok := errors.AsType[*boundError](err); ok {
		return bound
	}
	if t.steps++; err != nil || !at.mode.IsDir() {
		return nil
	}
	before := t.gone
	name := strings.TrimPrefix(base, whiteout)
	switch n := at.children[name]; {
	case base == opaque:
		t.clear(at.node)
		name = "*"
	case n != nil && !strings.HasPrefix(base, reserved):
		t.drop(at.node, name, n)
	}
	if t.gone > before {
		t.removed.add(path.Join(at.path(), name))
	}
	return nil
}

// drop takes away a child, but for what its own layer put there.
func (t *tree) drop(dir *node, name string, child *node) {
	t.clear(child)
	if child.layer == t.layer || len(child.children) > 0 {
		return
	}
	delete(dir.children, name)
	if child.layer < t.base && t.base <= t.layer {
		t.gone++
	}
}

// clear takes away what lower layers put below n. Each folder is gone through once
// for each layer, however often it is asked for.
func (t *tree) clear(n *node) {
	if n.cleared > t.layer {
		return
	}
	n.cleared = t.layer + 1
	for name, child := range n.children {
		t.drop(n, name, child)
	}
}
