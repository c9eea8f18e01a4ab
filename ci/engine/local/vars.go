package local

import (
	"go/ast"
	"go/parser"
	"go/token"
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
func (v vars) look(p listed) {
	path := p.ImportPath
	if p.Name == "main" {
		path = "main"
	}
	wanted := func(name string) bool { return strings.HasPrefix(name, path+".") }
	for name := range v.open {
		if wanted(name) && slices.ContainsFunc(p.GoFiles, func(file string) bool {
			return declares(filepath.Join(p.Dir, file), strings.TrimPrefix(name, path+"."))
		}) {
			delete(v.open, name)
		}
	}
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
func declares(file, name string) bool {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
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
