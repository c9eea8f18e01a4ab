package inspect

import (
	"archive/tar"
	"cmp"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"example.com/slipway/ci/inspect/leak"
)

// unread is the rule for files that were not searched.
const unread leak.Rule = "unread"

// configured is the layer of what no layer has.
const configured = -1

// leaks gathers what breaks a rule while the layers of one image pass.
type leaks struct {
	rules  *leak.Rules
	search *leak.Search
	kinds  map[kind]*spots
}

// kind is what a Leak is of.
type kind struct {
	rule leak.Rule
	what string
}

// spots are the places of a kind, of which the first are remembered.
type spots struct {
	first []*spot
	// more counts the other places, and in them how often it is there.
	more, count int
}

// spot is a path with the layer that has it, or a part of the configuration.
type spot struct {
	place        string
	layer, count int
}

func newLeaks(rules *leak.Rules) *leaks {
	return &leaks{rules: rules, search: rules.Search(), kinds: map[kind]*spots{}}
}

func (l *leaks) add(found leak.Found, place string, layer int) {
	k := kind{found.Rule, found.What}
	s := l.kinds[k]
	if s == nil {
		s = &spots{}
		l.kinds[k] = s
	}
	for _, known := range s.first {
		if known.place == place && known.layer == layer {
			known.count += found.Count
			return
		}
	}
	if len(s.first) < named {
		s.first = append(s.first, &spot{place, layer, found.Count})
		return
	}
	s.more++
	s.count += found.Count
}

func (l *leaks) matches(found []leak.Match, place string, layer int) {
	for _, m := range found {
		l.add(leak.Found{Rule: m.Rule, What: m.What, Count: 1}, place, layer)
	}
}

// header judges an entry of a tar by its name, and by what it tells of the machine on
// which it was packed.
func (l *leaks) header(h *tar.Header, layer int) {
	name := path.Clean("/" + h.Name)
	if strings.HasPrefix(path.Base(name), whiteout) {
		return
	}
	for _, text := range []string{name, h.Linkname, h.Uname, h.Gname} {
		l.matches(l.rules.Names(text), name, layer)
	}
	if h.Typeflag == tar.TypeSymlink {
		return
	}
	if found, place, ok := leak.File(name, h.Typeflag == tar.TypeDir); ok {
		l.add(found, place, layer)
	}
	if isSparse(h) {
		l.add(leak.Found{Rule: unread, What: "a file with holes, which was not searched", Count: 1}, name, layer)
	}
}

// file searches a regular file while what is judged of it is taken out of it.
func (w *walker) file(r io.Reader, h *tar.Header, name string, in *inode) error {
	inner := strings.TrimPrefix(name, "/")
	if w.leaks == nil || isSparse(h) {
		return w.content(r, h, inner, in)
	}
	search := w.leaks.search
	err := w.content(io.TeeReader(r, search), h, inner, in)
	if err == nil {
		_, err = search.ReadFrom(r)
	}
	for _, found := range search.End() {
		if found.Rule != leak.PrivateKey || !isLibrary(name) {
			w.leaks.add(found, name, w.tree.layer)
		}
	}
	return err
}

// isLibrary tells a shared library. GnuTLS, which most bases have, holds the keys that
// it tests itself with.
func isLibrary(name string) bool {
	return strings.Contains(path.Base(name), ".so.") || path.Ext(name) == ".so"
}

// allow forgets folders of the machine that are the image's own too, since it was
// built in a container like itself: its working folder and the homes of its accounts.
func (l *leaks) allow(t *tree, workdir string, machine []Forbidden) {
	for _, f := range machine {
		folder := path.Clean(f.Text)
		isHome := func(fields []string) bool { return len(fields) > fieldHome && fields[fieldHome] == folder }
		if path.Clean(workdir) == folder || t.entry(accountsPath, isHome) != nil {
			delete(l.kinds, kind{leak.BuildPath, f.What})
		}
	}
}

// of tells everything that was found, by rule.
func (l *leaks) of(t *tree) []Leak {
	var all []Leak
	order := func(a, b kind) int {
		return cmp.Or(strings.Compare(string(a.rule), string(b.rule)), strings.Compare(a.what, b.what))
	}
	for _, k := range slices.SortedFunc(maps.Keys(l.kinds), order) {
		s := l.kinds[k]
		seen, hidden := Leak{Rule: k.rule, What: k.what}, Leak{Rule: k.rule, What: k.what, Hidden: true}
		for _, at := range s.first {
			to := &seen
			if t.hides(at) {
				to = &hidden
			}
			to.Count += at.count
			if !slices.Contains(to.Places.Paths, at.place) {
				to.Places.add(at.place)
			}
		}
		// Nobody remembers where those are that are too many to be named.
		seen.Places.Count += s.more
		seen.Count += s.count
		for _, one := range []Leak{seen, hidden} {
			if one.Count > 0 {
				all = append(all, one)
			}
		}
	}
	return all
}

// hides tells what a higher layer removed or replaced.
func (t *tree) hides(at *spot) bool {
	if at.layer == configured {
		return false
	}
	found, err := t.find(at.place, false)
	return err != nil || found.layer != at.layer && !found.mode.IsDir()
}
