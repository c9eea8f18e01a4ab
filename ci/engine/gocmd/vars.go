package gocmd

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
)

// vars follows which of the linker's -X settings have found their variable.
type vars struct{ open map[string]bool }

func newVars(list []plan.Var) vars {
	v := vars{open: map[string]bool{}}
	for _, one := range list {
		v.open[one.Name] = true
	}
	return v
}

// look takes the names of a package's string variables off the list. The linker
// calls every package main main, whatever its import path is.
func (g *Go) look(ctx context.Context, v vars, p listed) error {
	path := p.ImportPath
	if p.Name == "main" {
		path = "main"
	}
	var wanted []string
	for name := range v.open {
		if variable, ok := strings.CutPrefix(name, path+"."); ok && token.IsIdentifier(variable) {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	files, err := g.read(ctx, p)
	if err != nil {
		return err
	}
	for _, name := range wanted {
		for _, text := range files {
			if declares(text, strings.TrimPrefix(name, path+".")) {
				delete(v.open, name)
			}
		}
	}
	return nil
}

// read reads the Go files of a package: the source tree's on this machine, a
// module's where the go command sees it.
func (g *Go) read(ctx context.Context, p listed) (map[string][]byte, error) {
	dir, ok := g.here(p.Dir)
	if !ok || g.inModuleCache(p.Dir) {
		var names []string
		for _, file := range p.GoFiles {
			names = append(names, filepath.Join(p.Dir, file))
		}
		return g.Copy(ctx, names)
	}
	files := map[string][]byte{}
	for _, file := range p.GoFiles {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil {
			files[file] = text
		}
	}
	return files, nil
}

func (v vars) unset() []string {
	var names []string
	for name := range v.open {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// declares tells whether a file has a package variable of that name that -X can
// set: a string that is not initialised, or by a constant.
func declares(text []byte, name string) bool {
	tree, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	for _, decl := range tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok && settable(value, name) {
				return true
			}
		}
	}
	return false
}

func settable(spec *ast.ValueSpec, name string) bool {
	i := slices.IndexFunc(spec.Names, func(id *ast.Ident) bool { return id.Name == name })
	if i < 0 {
		return false
	}
	if typ, ok := spec.Type.(*ast.Ident); spec.Type != nil && (!ok || typ.Name != "string") {
		return false
	}
	if i >= len(spec.Values) {
		return spec.Type != nil
	}
	// A name may be a string constant, which only the type checker knows.
	switch value := spec.Values[i].(type) {
	case *ast.BasicLit:
		return value.Kind == token.STRING
	case *ast.Ident, *ast.BinaryExpr, *ast.SelectorExpr:
		return true
	}
	return false
}
