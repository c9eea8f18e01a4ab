package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Bounds of Linux on what a path may be, and ours on how deep folders may lie in
// each other.
const (
	maxPath  = 4096
	maxName  = 255
	maxDepth = 1024
	maxHops  = 40 // links that are followed for one path
)

var (
	errLoop      = errors.New("too many symbolic links")
	errNotFolder = errors.New("not a folder")
)

// tree is the file system that layers make, as a container would see it. It never
// touches the host: every path is resolved in it, with its root as the root.
type tree struct {
	root  *node
	layer int // the layer that is being applied

	// base is how many layers are the base's. The others took gone files from it, at
	// the places in removed.
	base, gone int
	removed    Listing

	limits  Limits
	entries int
	names   int64
	steps   int // path elements looked up
}

// node is a name in a folder. Hard links are nodes that share an inode.
type node struct {
	*inode
	children map[string]*node
	// layer is the one that put the node here, depth the number of folders above it.
	layer, depth int
	// cleared is 1 + the last layer that took away what lower ones had below.
	cleared int
}

// inode is what a name stands for.
type inode struct {
	mode     fs.FileMode
	uid, gid int
	size     int64
	link     string
	// data is the content of the few files that are kept.
	data    []byte
	program *Program
}

func newTree(l Limits) *tree {
	return &tree{root: &node{inode: &inode{mode: fs.ModeDir | 0o755}}, limits: l}
}

// place is where a path leads.
type place struct {
	*node
	names []string // of the folders from the root, then of the node itself
	// through are the folders that were looked into on the way, links' ways included.
	through []*node
}

func (p place) path() string { return "/" + strings.Join(p.names, "/") }

// find follows a path as a process in the container would. With follow it follows
// a link at the end too. Its errors are errLoop, errNotFolder and fs.ErrNotExist.
func (t *tree) find(name string, follow bool) (place, error) { return t.walk(name, follow, false) }

// folder follows a path to a folder and makes what is missing.
func (t *tree) folder(name string) (*node, error) {
	at, err := t.walk(name, true, true)
	return at.node, err
}

// walk goes along a path. With folders every element becomes one, also in the
// place of a file.
func (t *tree) walk(name string, follow, folders bool) (place, error) {
	at := place{node: t.root}
	above := []*node{t.root}
	hops := 0
	for rest := elements(name); len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		if element == ".." {
			above, at.names = above[:max(1, len(above)-1)], at.names[:max(0, len(at.names)-1)]
			continue
		}
		if t.steps++; t.steps > 100*t.limits.Entries {
			return place{}, &boundError{"its paths and links are too long"}
		}
		dir := above[len(above)-1]
		at.through = append(at.through, dir)
		child := dir.children[element]
		if child != nil && child.mode&fs.ModeSymlink != 0 && (follow || len(rest) > 0) {
			if hops++; hops > maxHops {
				return place{}, errLoop
			}
			if strings.HasPrefix(child.link, "/") {
				above, at.names = above[:1], nil
			}
			rest = append(elements(child.link), rest...)
			continue
		}
		child, err := t.enter(dir, child, element, len(rest) > 0, folders)
		if err != nil {
			return place{}, err
		}
		above, at.names = append(above, child), append(at.names, element)
	}
	at.node = above[len(above)-1]
	return at, nil
}

// enter checks that a path can go on through a child, which may be nil.
func (t *tree) enter(dir, child *node, name string, further, folders bool) (*node, error) {
	switch {
	case folders && (child == nil || !child.mode.IsDir()):
		return t.put(dir, name, &inode{mode: fs.ModeDir | 0o755})
	case child == nil:
		return nil, fs.ErrNotExist
	case further && !child.mode.IsDir():
		return nil, errNotFolder
	}
	return child, nil
}

func elements(name string) []string {
	var all []string
	for e := range strings.SplitSeq(name, "/") {
		if e != "" && e != "." {
			all = append(all, e)
		}
	}
	return all
}

// put gives a folder an entry. A folder over a folder keeps what is in it.
func (t *tree) put(dir *node, name string, in *inode) (*node, error) {
	t.entries++
	t.names += int64(len(name) + len(in.link))
	switch {
	case len(name) > maxName:
		return nil, fmt.Errorf("it has a file name of %d bytes, and Linux allows %d", len(name), maxName)
	case dir.depth >= maxDepth:
		return nil, tooMany(maxDepth, "folders in each other")
	case t.entries > t.limits.Entries:
		return nil, tooMany(t.limits.Entries, "files")
	case t.names > t.limits.Names:
		return nil, tooLarge(t.limits.Names, "file names")
	}
	if old := dir.children[name]; old != nil && old.mode.IsDir() && in.mode.IsDir() {
		old.inode, old.layer = in, t.layer
		return old, nil
	}
	if dir.children == nil {
		dir.children = map[string]*node{}
	}
	n := &node{inode: in, layer: t.layer, depth: dir.depth + 1}
	dir.children[name] = n
	return n, nil
}
