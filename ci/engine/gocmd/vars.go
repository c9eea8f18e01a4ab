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

// vars follows which of the linker's -X settings have found their variable: open are
// those without one that is a string, absent those without any, about which there is no
// doubt that they change nothing.
type vars struct{ open, absent map[string]bool }

func newVars(list []plan.Var) vars {
	v := vars{open: map[string]bool{}, absent: map[string]bool{}}
	for _, one := range list {
		v.open[one.Name], v.absent[one.Name] = true, true
	}
	return v
}

// look takes the names of a package's variables off the lists. The linker calls every
// package main main, whatever its import path is.
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
			declared, settable := declares(text, strings.TrimPrefix(name, path+"."))
			if declared {
				delete(v.absent, name)
			}
			if settable {
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
		// One that cannot be read is empty here, and empty is no Go.
		files[file], _ = os.ReadFile(filepath.Join(dir, file))
	}
	return files, nil
}

// declares tells whether a file has a package variable of that name, and whether -X can
// set it: a string that is not initialised, or by a constant. A file that cannot be
// understood may have it.
func declares(text []byte, name string) (declared, set bool) {
	tree, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return true, false
	}
	for _, decl := range tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if i := slices.IndexFunc(value.Names, func(id *ast.Ident) bool { return id.Name == name }); i >= 0 {
				return true, settable(value, i)
			}
		}
	}
	return false, false
}

func settable(spec *ast.ValueSpec, i int) bool {
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
