package local

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
	"strings"

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
func (e *Engine) Sources(ctx context.Context, t engine.Target) (engine.SourceSet, error) {
	args := slices.Concat([]string{"list", "-deps", "-json=" + listFields}, e.flags(t), []string{"--"}, folders(t))
	cmd := e.goCommand(ctx, e.target(t), args...)
	var stdout bytes.Buffer
	stderr := &bounded{max: outputLimit}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return engine.SourceSet{}, ctx.Err()
		}
		return engine.SourceSet{}, e.explain(ctx, t, stderr.text, err)
	}
	files, vars := e.alongside(t), newVars(t.Build.Vars)
	for dec := json.NewDecoder(&stdout); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return engine.SourceSet{}, fmt.Errorf("reading the answer of go list: %w", err)
		}
		vars.look(p)
		if !p.Standard && !e.inModuleCache(p.Dir) {
			files[p.Dir] = slices.Concat(files[p.Dir], p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles)
		}
	}
	list, err := e.relative(files)
	return engine.SourceSet{Files: list, Unset: vars.unset()}, err
}

// relative names files by their paths from the source folder, each once, sorted.
func (e *Engine) relative(files map[string][]string) ([]string, error) {
	var list []string
	for dir, names := range files {
		rel, err := filepath.Rel(e.src.Root, dir)
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
func (e *Engine) alongside(t engine.Target) map[string][]string {
	extra := map[string][]string{}
	for _, m := range t.Mains {
		dir := filepath.Join(e.src.Root, filepath.FromSlash(m.Dir))
		extra[dir] = append(extra[dir], "default.pgo")
	}
	top := e.src.Root
	if e.src.Workspace != "" {
		top = filepath.Dir(e.src.Workspace)
		extra[top] = append(extra[top], "go.work", "go.work.sum")
	}
	for _, dir := range e.src.ModuleFolders {
		extra[dir] = append(extra[dir], "go.mod", "go.sum")
	}
	if e.src.Vendor {
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

func (e *Engine) inModuleCache(name string) bool {
	return strings.HasPrefix(name, e.modules+string(filepath.Separator))
}
