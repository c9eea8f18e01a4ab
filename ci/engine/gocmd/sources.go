package gocmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"example.com/slipway/ci/engine"
)

// listed is the part of go list's answer that names files.
type listed struct {
	Dir, ImportPath, Name                          string
	Standard                                       bool
	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
}

const listFields = "Dir,ImportPath,Name,Standard,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles"

// Sources asks go list for the packages of the mains and names every file of
// theirs that lies in the source tree, with the files that choose the modules.
func (g *Go) Sources(ctx context.Context, t engine.Target) (engine.SourceSet, error) {
	args := slices.Concat([]string{"list", "-deps", "-json=" + listFields}, g.flags(t), []string{"--"}, folders(t))
	out, err := g.Run(ctx, Environment(t), args)
	if err != nil {
		return engine.SourceSet{}, err
	}
	if out.Err != nil {
		return engine.SourceSet{}, g.Explain(ctx, t, out)
	}
	files, vars := g.alongside(t), newVars(t.Build.Vars)
	for dec := json.NewDecoder(bytes.NewReader(out.Stdout)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return engine.SourceSet{}, fmt.Errorf("reading the answer of go list: %w", err)
		}
		if err := g.look(ctx, vars, p); err != nil {
			return engine.SourceSet{}, err
		}
		dir, ok := g.here(p.Dir)
		if !p.Standard && !g.inModuleCache(p.Dir) && ok {
			files[dir] = slices.Concat(files[dir], p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles)
		}
	}
	list, err := g.relative(files)
	return engine.SourceSet{Files: list, Unset: vars.unset()}, err
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

// alongside names the files, by folder, that decide a build and that go list does
// not say.
func (g *Go) alongside(t engine.Target) map[string][]string {
	extra := map[string][]string{}
	for _, m := range t.Mains {
		dir := filepath.Join(g.Source.Root, filepath.FromSlash(m.Dir))
		extra[dir] = append(extra[dir], "default.pgo")
	}
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
