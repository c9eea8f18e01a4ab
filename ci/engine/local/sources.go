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
	Dir, ImportPath, Name string
	Standard              bool
	Module                *struct {
		Dir, GoMod string
	}
	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
}

const listFields = "Dir,ImportPath,Name,Standard,Module,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles"

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
	files, vars := map[string]bool{}, newVars(t.Build.Vars)
	add := func(dir string, names ...string) error {
		rel, err := filepath.Rel(e.src.Root, dir)
		if err != nil {
			return fmt.Errorf("placing %s under the source folder: %w", dir, err)
		}
		for _, n := range names {
			files[filepath.ToSlash(filepath.Join(rel, n))] = true
		}
		return nil
	}
	dec := json.NewDecoder(&stdout)
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return engine.SourceSet{}, fmt.Errorf("reading the answer of go list: %w", err)
		}
		vars.look(p)
		if p.Standard || e.inModuleCache(p.Dir) {
			continue
		}
		if err := add(p.Dir, slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles)...); err != nil {
			return engine.SourceSet{}, err
		}
		if p.Module != nil && p.Module.GoMod != "" && !e.inModuleCache(p.Module.GoMod) {
			if err := add(filepath.Dir(p.Module.GoMod), present(filepath.Dir(p.Module.GoMod), "go.mod", "go.sum")...); err != nil {
				return engine.SourceSet{}, err
			}
		}
	}
	for dir, names := range e.alongside(t) {
		if err := add(dir, present(dir, names...)...); err != nil {
			return engine.SourceSet{}, err
		}
	}
	set := engine.SourceSet{Unset: vars.unset()}
	for f := range files {
		set.Files = append(set.Files, f)
	}
	slices.Sort(set.Files)
	return set, nil
}

// alongside names the files that decide a build and that go list does not say.
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
	extra[top] = append(extra[top], "go.mod", "go.sum")
	if e.src.Vendor {
		extra[filepath.Join(top, "vendor")] = []string{"modules.txt"}
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
