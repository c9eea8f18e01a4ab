package gocmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/engine"
)

// listed is the part of go list's answer that names files.
type listed struct {
	Dir, ImportPath, Name                          string
	Standard                                       bool
	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
	// Imports are import paths as the answer has them.
	Imports []string

	// files are those in the source tree, as a source set has them.
	files []string
}

const listFields = "Dir,ImportPath,Name,Standard,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles,Imports"

// Sources asks go list for the packages of the mains and names, for each target, every
// file of theirs that lies in the source tree, with the files that choose the modules.
// Targets that differ in their mains alone are one question.
func (g *Go) Sources(ctx context.Context, targets ...engine.Target) ([]engine.SourceSet, error) {
	choose, err := g.relative(g.choosing())
	if err != nil {
		return nil, err
	}
	sets := make([]engine.SourceSet, len(targets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, at := range g.alike(targets) {
		group.Go(func() error {
			same := make([]engine.Target, len(at))
			for i, j := range at {
				same[i] = targets[j]
			}
			found, err := g.list(ctx, same, choose)
			for i, set := range found {
				sets[at[i]] = set
			}
			return err
		})
	}
	return sets, group.Wait()
}

// alike groups targets, by their places, that go list has the same flags for.
func (g *Go) alike(targets []engine.Target) [][]int {
	var groups [][]int
	known := map[string]int{}
	for i, t := range targets {
		key := fmt.Sprintf("%q", slices.Concat(Environment(t), g.flags(t)))
		at, ok := known[key]
		if !ok {
			at = len(groups)
			known[key], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// list lists the sources of targets that differ in their mains alone. What go list refuses
// is asked for in halves: so the target that is at fault is found, and explained by what
// the go command says of it alone.
func (g *Go) list(ctx context.Context, targets []engine.Target, choose []string) ([]engine.SourceSet, error) {
	t := targets[0]
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, folders(t)...)
	}
	// A profile makes packages of its own for its main, which have the same files.
	args := slices.Concat([]string{"list", "-deps", "-json=" + listFields}, g.flags(t), []string{"-pgo=off", "--"}, dirs)
	out, err := g.Run(ctx, Environment(t), args)
	switch {
	case err != nil:
		return nil, err
	case out.Err != nil && len(targets) == 1:
		return nil, g.Explain(ctx, t, out)
	case out.Err != nil:
		return g.halves(ctx, targets, choose)
	}
	packages, err := g.packages(out.Stdout)
	if err != nil {
		return nil, err
	}
	if len(targets) == 1 {
		set, err := g.set(ctx, t, packages, choose)
		return []engine.SourceSet{set}, err
	}
	graph := newGraph(packages)
	var sets []engine.SourceSet
	for _, t := range targets {
		needed, ok := graph.needs(g.mains(t))
		if !ok {
			return g.halves(ctx, targets, choose)
		}
		set, err := g.set(ctx, t, needed, choose)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

func (g *Go) halves(ctx context.Context, targets []engine.Target, choose []string) ([]engine.SourceSet, error) {
	first, err := g.list(ctx, targets[:len(targets)/2], choose)
	if err != nil {
		return nil, err
	}
	second, err := g.list(ctx, targets[len(targets)/2:], choose)
	return append(first, second...), err
}

// packages reads an answer of go list.
func (g *Go) packages(answer []byte) ([]*listed, error) {
	var list []*listed
	for dec := json.NewDecoder(bytes.NewReader(answer)); ; {
		p := &listed{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the answer of go list: %w", err)
		}
		if dir, ok := g.here(p.Dir); ok && !p.Standard && !g.inModuleCache(p.Dir) {
			var err error
			names := slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles)
			if p.files, err = g.relative(map[string][]string{dir: names}); err != nil {
				return nil, err
			}
		}
		list = append(list, p)
	}
}

// set is the source set of a target that needs these packages.
func (g *Go) set(ctx context.Context, t engine.Target, packages []*listed, choose []string) (engine.SourceSet, error) {
	profiles, err := g.relative(g.profiles(t))
	if err != nil {
		return engine.SourceSet{}, err
	}
	files, vars := slices.Concat(choose, profiles), newVars(t.Build.Vars)
	for _, p := range packages {
		if err := g.look(ctx, vars, *p); err != nil {
			return engine.SourceSet{}, err
		}
		files = append(files, p.files...)
	}
	slices.Sort(files)
	return engine.SourceSet{Files: slices.Compact(files), Unset: slices.Sorted(maps.Keys(vars.open)), Absent: slices.Sorted(maps.Keys(vars.absent))}, nil
}

// relative names files by their paths from the source folder, each once, sorted.
func (g *Go) relative(files map[string][]string) ([]string, error) {
	var list []string
	for dir, names := range files {
		rel, err := filepath.Rel(g.Source.Root, dir)
		if err != nil {
			return nil, fmt.Errorf("placing %s under the source folder: %w", dir, err)
		}
		for _, n := range names {
			list = append(list, filepath.ToSlash(filepath.Join(rel, n)))
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// profiles names the files, by folder, that the compiler is led by in a target's mains.
func (g *Go) profiles(t engine.Target) map[string][]string {
	files := map[string][]string{}
	for _, m := range t.Mains {
		dir := filepath.Join(g.Source.Root, filepath.FromSlash(m.Dir))
		files[dir] = present(dir, "default.pgo")
	}
	return files
}

// choosing names the files, by folder, that choose the modules of every build.
func (g *Go) choosing() map[string][]string {
	extra := map[string][]string{}
	top := g.Source.Root
	if g.Source.Workspace != "" {
		top = filepath.Dir(g.Source.Workspace)
		extra[top] = append(extra[top], "go.work", "go.work.sum")
	}
	for _, dir := range g.Source.ModuleFolders {
		extra[dir] = append(extra[dir], "go.mod", "go.sum")
	}
	if g.Source.Vendor {
		extra[filepath.Join(top, "vendor")] = []string{"modules.txt"}
	}
	for dir, names := range extra {
		extra[dir] = present(dir, names...)
	}
	return extra
}

func present(dir string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		info, err := os.Stat(filepath.Join(dir, n))
		return err != nil || !info.Mode().IsRegular()
	})
}
