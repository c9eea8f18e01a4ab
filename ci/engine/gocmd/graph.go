package gocmd

import (
	"path/filepath"

	"example.com/slipway/ci/engine"
)

// graph is who imports whom, of the packages of one answer of go list.
type graph struct {
	packages     []*listed
	byPath, main map[string]*listed
}

// newGraph reads the imports. A main is known by its folder: nobody imports it.
func newGraph(packages []*listed) graph {
	g := graph{packages: packages, byPath: map[string]*listed{}, main: map[string]*listed{}}
	for _, p := range packages {
		g.byPath[p.ImportPath] = p
		if p.Name == "main" {
			g.main[p.Dir] = p
		}
	}
	return g
}

// needs returns the packages of the programs with mains in these folders, in the order of
// the answer; ok is false if the answer does not have one of them.
func (g graph) needs(mains []string) (needed []*listed, ok bool) {
	// Every program has it, and no file says so.
	open, seen := []*listed{g.byPath["runtime"]}, map[*listed]bool{nil: true}
	for _, dir := range mains {
		p := g.main[dir]
		if p == nil {
			return nil, false
		}
		open = append(open, p)
	}
	for len(open) > 0 {
		p := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		for _, path := range p.Imports {
			open = append(open, g.byPath[path])
		}
	}
	for _, p := range g.packages {
		if seen[p] {
			needed = append(needed, p)
		}
	}
	return needed, true
}

// mains are the folders of a target's mains as the go command sees them.
func (g *Go) mains(t engine.Target) []string {
	var dirs []string
	for _, m := range t.Mains {
		dirs = append(dirs, filepath.Join(g.Seen(g.Source.Root), filepath.FromSlash(m.Dir)))
	}
	return dirs
}
