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
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"example.com/slipway/ci/engine"
)

// Needs asks go list for the packages of the mains, with their archives in the build
// cache, and lists what a build reads of the module cache: the files of these packages,
// and of all modules in go.sum what the go command checks. A module without a package of
// the program has an empty folder, which tells that it has none.
func (g *Go) Needs(ctx context.Context, t engine.Target) (engine.Needs, error) {
	args := slices.Concat([]string{"list", "-deps", "-export", "-json=" + listFields + ",Export"}, g.flags(t), compilerFlags(t.Build), []string{"--"}, folders(t))
	out, err := g.Run(ctx, Environment(t), args)
	if err != nil {
		return engine.Needs{}, err
	}
	if out.Err != nil {
		return engine.Needs{}, g.Explain(ctx, t, out)
	}
	n := engine.Needs{Archives: map[string]string{}, Cache: g.Modules, Modules: map[string]string{}}
	for dec := json.NewDecoder(bytes.NewReader(out.Stdout)); ; {
		var p struct {
			listed
			Export string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return n, fmt.Errorf("reading the answer of go list: %w", err)
		}
		group := p.ImportPath
		if !p.Standard && g.inModuleCache(p.Dir) {
			if group, err = g.files(n.Modules, p.listed); err != nil {
				return n, err
			}
		}
		if p.Export != "" {
			n.Archives[p.Export] = group
		}
	}
	if g.Source.Vendor {
		return engine.Needs{Archives: n.Archives}, nil
	}
	return n, g.checked(n.Modules)
}

// files adds those of a package in the module cache and returns its module.
func (g *Go) files(all map[string]string, p listed) (string, error) {
	rel, err := filepath.Rel(g.Modules, p.Dir)
	if err != nil {
		return "", fmt.Errorf("placing %s in the module cache: %w", p.Dir, err)
	}
	rel = filepath.ToSlash(rel)
	group, _, _ := strings.Cut(rel, "@")
	for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles) {
		all[path.Join(rel, filepath.ToSlash(name))] = group
	}
	return group, nil
}

// checked adds what the go command checks of each module that go.sum names.
func (g *Go) checked(all map[string]string) error {
	files := map[string]bool{}
	for _, dir := range g.Source.ModuleFolders {
		files[filepath.Join(dir, "go.sum")] = true
	}
	if g.Source.Workspace != "" {
		files[g.Source.Workspace+".sum"] = true
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("reading the checksums of modules: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) == 3 {
				g.module(all, fields[0], fields[1])
			}
		}
	}
	return nil
}

// module adds the files about one line of go.sum that are there.
func (g *Go) module(all map[string]string, name, version string) {
	version, goMod := strings.CutSuffix(version, "/go.mod")
	escaped, err := module.EscapePath(name)
	if err != nil {
		return
	}
	at, err := module.EscapeVersion(version)
	if err != nil {
		return
	}
	add := func(rel string) bool {
		has := g.has(rel)
		if has {
			all[rel] = escaped
		}
		return has
	}
	download := path.Join("cache/download", escaped, "@v", at)
	if goMod {
		add(download + ".mod")
		return
	}
	if add(download + ".ziphash") {
		add(escaped + "@" + at)
	}
}

func (g *Go) has(rel string) bool {
	if g.Has != nil {
		return g.Has(rel)
	}
	_, err := os.Stat(filepath.Join(g.Modules, filepath.FromSlash(rel)))
	return err == nil
}
