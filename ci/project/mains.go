package project

import (
	"bytes"
	"context"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"example.com/slipway/ci/fault"
)

// Ignore is the comment that says that a package main is a tool and no service.
const Ignore = "//slipway:ignore"

// headLimit is how much of a Go file is read for its package clause, in bytes.
const headLimit = 1 << 20

// readMains walks the source folder as ./... does. It opens regular Go files only,
// and of those only the beginning.
func (p *Project) readMains(ctx context.Context) error {
	found := map[string]bool{}
	ignored := map[string]bool{}
	err := filepath.WalkDir(p.Root, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if d != nil && d.IsDir() && name != p.Root {
				return fs.SkipDir // a folder that nobody may read holds no source of ours
			}
			return err
		}
		if d.IsDir() {
			return p.enter(name, d.Name())
		}
		if !d.Type().IsRegular() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		main, tool := clause(name)
		found[filepath.Dir(name)] = found[filepath.Dir(name)] || main
		ignored[filepath.Dir(name)] = ignored[filepath.Dir(name)] || tool
		return nil
	})
	if err != nil {
		return err
	}
	for dir, main := range found {
		// A folder above the workspace's modules is in no package.
		if m := p.mainOf(dir); main && !ignored[dir] && m.Package != "" {
			p.Mains = append(p.Mains, m)
		}
	}
	slices.SortFunc(p.Mains, func(a, b Main) int { return strings.Compare(a.Dir, b.Dir) })
	return nil
}

func (p *Project) enter(name, base string) error {
	if name == p.Root {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "vendor" || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	_, used := p.modules[name]
	if _, err := os.Lstat(filepath.Join(name, "go.mod")); err == nil && !used {
		return fs.SkipDir
	}
	return nil
}

func (p *Project) mainOf(dir string) Main {
	rel := p.relative(p.Root, dir)
	m := Main{Dir: "./" + rel}
	for at := dir; ; at = filepath.Dir(at) {
		if module, ok := p.modules[at]; ok {
			m.Package = path.Join(module, p.relative(at, dir))
			break
		}
		if at == p.Root {
			break
		}
	}
	if rel == "." {
		m.Dir = "."
	}
	m.Name = binaryName(m.Package)
	return m
}

// binaryName is the last element of the import path that is not a major version.
// Source: cmd/go/internal/load, DefaultExecName.
func binaryName(pkg string) string {
	if prefix, major, ok := module.SplitPathVersion(pkg); ok && strings.HasPrefix(major, "/") {
		pkg = prefix
	}
	return path.Base(pkg)
}

// clause tells whether a file is a part of package main on linux without cgo, and
// whether it says that its package is a tool.
func clause(name string) (main, tool bool) {
	f, err := os.Open(name)
	if err != nil {
		return false, false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headLimit))
	if err != nil {
		return false, false
	}
	matcher := build.Default
	matcher.GOOS, matcher.GOARCH, matcher.CgoEnabled = "linux", "amd64", false
	matcher.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil }
	if ok, err := matcher.MatchFile(filepath.Split(name)); err != nil || !ok {
		return false, false
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", head, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil || file.Name == nil || file.Name.Name != "main" {
		return false, false
	}
	return true, slices.ContainsFunc(file.Comments, func(g *ast.CommentGroup) bool {
		return slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return c.Text == Ignore })
	})
}

// Select returns the mains that a user named, or the only one.
func (p *Project) Select(named []string) ([]Main, error) {
	switch {
	case len(p.Mains) == 0:
		return nil, fault.New(fault.Usage, "there is no package main in %s", p.Root).
			WithFix("--src names the folder of a service's module")
	case len(named) == 0 && len(p.Mains) == 1, slices.Equal(named, []string{"all"}):
		return p.Mains, nil
	case len(named) == 0:
		return nil, fault.New(fault.Usage, "there are %d programs in %s", len(p.Mains), p.Root).WithDetail(p.folders()...).
			WithFix("choose one: --main %s", p.Mains[0].Dir)
	}
	var chosen []Main
	for _, name := range named {
		m, err := p.find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

func (p *Project) find(name string) (Main, error) {
	refuse := func(why string) (Main, error) {
		return Main{}, fault.New(fault.Usage, "--main %q %s", name, why).WithDetail(p.folders()...).
			WithFix("name a folder with package main, such as %s", p.Mains[0].Dir)
	}
	slash := filepath.ToSlash(name)
	switch {
	case name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\x00\n\r"):
		return refuse("is not the name of a folder")
	case path.IsAbs(slash) || filepath.IsAbs(name):
		return refuse("is not relative to the source folder")
	case slices.Contains(strings.Split(slash, "/"), ".."):
		return refuse("leads out of the source folder")
	}
	for _, m := range p.Mains {
		if path.Clean(slash) == path.Clean(m.Dir) || slash == m.Package {
			return m, nil
		}
	}
	return refuse("has no package main for linux")
}

func (p *Project) folders() []string {
	var list []string
	for _, m := range p.Mains {
		list = append(list, m.Dir)
	}
	return list
}
