package inspect

import (
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// defaultPath is what runtimes set where an image does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shells are programs that run what they are given as text.
var shells = []string{
	"sh", "bash", "rbash", "dash", "ash", "busybox", "toybox", "ksh", "mksh", "zsh", "csh", "tcsh", "fish", "pwsh",
}

// each calls f for every node below a folder, folders before what is in them and
// names in order. The names are those of the folders from the root and of the node.
func (t *tree) each(f func(names []string, n *node)) {
	var below func([]string, *node)
	below = func(names []string, dir *node) {
		for _, name := range slices.Sorted(maps.Keys(dir.children)) {
			child := dir.children[name]
			f(append(names, name), child)
			below(append(names, name), child)
		}
	}
	below(nil, t.root)
}

func join(names []string) string { return "/" + strings.Join(names, "/") }

// files gathers what is judged among all files.
func (t *tree) files(searched []string) Files {
	var found Files
	t.each(func(names []string, n *node) {
		found.Entries++
		if n.mode.IsRegular() && n.mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			found.Setuid.add(join(names))
		}
		if isWritable(names, n.mode) {
			found.Writable.add(join(names))
		}
	})
	for _, shell := range t.shells(searched) {
		found.Shells.add(shell)
	}
	return found
}

func isWritable(names []string, mode fs.FileMode) bool {
	if mode&0o002 == 0 || mode&fs.ModeSymlink != 0 || names[0] == "dev" {
		return false
	}
	shared := len(names) == 1 && names[0] == "tmp" || len(names) == 2 && names[0] == "var" && names[1] == "tmp"
	return !shared || !mode.IsDir() || mode&fs.ModeSticky == 0
}

// shells finds shells in the folders that are searched for programs, each under the
// path of the file itself.
func (t *tree) shells(searched []string) []string {
	var found []string
	// Who breaks in needs no PATH: the usual folders count whatever it says.
	for _, dir := range append(searched, strings.Split(defaultPath, ":")...) {
		for _, name := range shells {
			at, err := t.find(path.Join(dir, name), true)
			if err == nil && at.mode.IsRegular() && at.mode&0o111 != 0 && !slices.Contains(found, at.path()) {
				found = append(found, at.path())
			}
		}
	}
	return found
}

// searched are the folders of the PATH in an environment.
func searched(env []string, workdir string) []string {
	list := defaultPath
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			list = value
		}
	}
	var dirs []string
	for dir := range strings.SplitSeq(list, ":") {
		if !path.IsAbs(dir) {
			dir = path.Join("/", workdir, dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// entrypoint looks at the program that starts, and returns its inode if it is there.
func (t *tree) entrypoint(c Config, user User, searched []string) (Entrypoint, *inode) {
	words := slices.Concat(c.Entrypoint, c.Args)
	if len(words) == 0 || words[0] == "" {
		return Entrypoint{}, nil
	}
	e := Entrypoint{Path: words[0], Absolute: path.IsAbs(words[0])}
	candidates := []string{e.Path}
	switch {
	case e.Absolute:
	case strings.Contains(e.Path, "/"):
		candidates[0] = path.Join("/", c.Workdir, e.Path)
	default:
		candidates = nil
		for _, dir := range searched {
			candidates = append(candidates, path.Join(dir, e.Path))
		}
	}
	for _, name := range candidates {
		if at, err := t.find(name, true); err == nil {
			e.Exists, e.Resolved = true, at.path()
			e.Regular, e.Executable = at.mode.IsRegular(), user.mayReach(at)
			return e, at.inode
		}
	}
	return e, nil
}

// programs lists the entrypoint and what else Go built, each file once however many
// names it has.
func (t *tree) programs(e Entrypoint, entry *inode) []Program {
	found := []Program{}
	seen := map[*inode]bool{}
	t.each(func(names []string, n *node) {
		if n.program == nil || seen[n.inode] || n.inode != entry && n.program.Go == nil {
			return
		}
		seen[n.inode] = true
		p := *n.program
		p.Path = join(names)
		if n.inode == entry {
			p.Path, p.Entrypoint = e.Resolved, true
		}
		found = append(found, p)
	})
	slices.SortStableFunc(found, func(a, b Program) int {
		return cmp.Or(-compareBool(a.Entrypoint, b.Entrypoint), strings.Compare(a.Path, b.Path))
	})
	return found
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// difference compares what the layers above the base put there with what was
// expected of them.
func (t *tree) difference(e Expect) *Difference {
	wanted, above := map[string]bool{}, map[string]bool{}
	for _, name := range e.Paths {
		name = path.Clean("/" + name)
		wanted[name] = true
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			above[dir] = true
		}
	}
	d := &Difference{Removed: t.removed}
	t.each(func(names []string, n *node) {
		if n.layer < e.BaseLayers {
			return
		}
		name := join(names)
		if !wanted[name] && (!above[name] || !n.mode.IsDir()) {
			d.Extra.add(name)
		}
		delete(wanted, name)
	})
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		d.Missing.add(name)
	}
	return d
}
