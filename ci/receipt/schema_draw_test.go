package receipt_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/receipt"
)

const module = "example.com/slipway/"

// sources are what the comments and constants of the types say, by their import path and
// name: example.com/slipway/ci/receipt.Run, and of a field example.com/slipway/ci/receipt.Run.Engine.
type sources struct {
	read   map[string]bool
	docs   map[string]string
	values map[string][]string
}

// readPackage reads a package of this repository.
func (s *sources) readPackage(t *testing.T, path string) {
	t.Helper()
	if s.read[path] {
		return
	}
	s.read[path] = true
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(strings.TrimPrefix(path, module)), "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				s.declared(path, d)
			}
		}
	}
}

func (s *sources) declared(path string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			name := path + "." + spec.Name.Name
			s.docs[name] = sentence(spec.Doc, d.Doc)
			if of, ok := spec.Type.(*ast.StructType); ok {
				s.fields(name, of)
			}
		case *ast.ValueSpec:
			of, ok := spec.Type.(*ast.Ident)
			if d.Tok != token.CONST || !ok {
				continue
			}
			for _, v := range spec.Values {
				if text, ok := v.(*ast.BasicLit); ok && text.Kind == token.STRING {
					value, _ := strconv.Unquote(text.Value)
					s.values[path+"."+of.Name] = append(s.values[path+"."+of.Name], value)
				}
			}
		}
	}
}

// fields remembers the comment of each field. One that has none has the last comment above
// it that speaks of it too: Uploaded, Mounted and Present count blobs.
func (s *sources) fields(of string, in *ast.StructType) {
	var above []string
	for _, f := range in.Fields.List {
		if doc := sentence(f.Doc, f.Comment); doc != "" {
			above = append(above, doc)
			for _, name := range f.Names {
				s.docs[of+"."+name.Name] = doc
			}
			continue
		}
		for _, name := range f.Names {
			for _, doc := range above {
				if slices.Contains(strings.FieldsFunc(doc, notOfName), name.Name) {
					s.docs[of+"."+name.Name] = doc
				}
			}
		}
	}
}

func notOfName(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// sentence is a comment in one line.
func sentence(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

// drawing makes a JSON Schema of Go types, as encoding/json writes them.
// https://json-schema.org/draft/2020-12
type drawing struct {
	sources
	definitions map[string]any
	// silent are the fields that nothing describes.
	silent []string
}

// drawn is the drawing of a receipt.
func drawn(t *testing.T) *drawing {
	t.Helper()
	d := &drawing{sources{map[string]bool{}, map[string]string{}, map[string][]string{}}, map[string]any{}, nil}
	d.object(t, reflect.TypeFor[receipt.Receipt]())
	return d
}

// schema has the receipt at its root, and all other types beside it.
func (d *drawing) schema(t *testing.T) map[string]any {
	t.Helper()
	all := map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": receipt.Schema, "$defs": d.definitions}
	root, ok := d.definitions["receipt.Receipt"].(map[string]any)
	require.True(t, ok)
	maps.Copy(all, root)
	delete(d.definitions, "receipt.Receipt")
	properties, ok := all["properties"].(map[string]any)
	require.True(t, ok)
	properties["schema"] = map[string]any{"const": receipt.Schema, "description": d.docs[module+"ci/receipt.Receipt.Schema"]}
	return all
}

// definition names a type in the schema: receipt.Run.
func definition(of reflect.Type) string { return strings.TrimPrefix(of.String(), "*") }

// of is the schema of a value. A named type is described once, and referred to.
func (d *drawing) of(t *testing.T, of reflect.Type) map[string]any {
	t.Helper()
	if of == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return d.of(t, of.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": d.of(t, of.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": d.of(t, of.Elem())}
	case reflect.String:
		return d.text(t, of)
	case reflect.Struct:
		d.object(t, of)
		return map[string]any{"$ref": "#/$defs/" + definition(of)}
	}
	require.Fail(t, "no schema for "+of.String())
	return nil
}

func (d *drawing) text(t *testing.T, of reflect.Type) map[string]any {
	t.Helper()
	s := map[string]any{"type": "string"}
	if of.PkgPath() != "" {
		d.readPackage(t, of.PkgPath())
		if values := d.values[of.PkgPath()+"."+of.Name()]; len(values) > 0 {
			s["enum"] = values
		}
	}
	return s
}

func (d *drawing) object(t *testing.T, of reflect.Type) {
	t.Helper()
	name := definition(of)
	if _, known := d.definitions[name]; known {
		return
	}
	d.readPackage(t, of.PkgPath())
	properties, required := map[string]any{}, []string{}
	object := map[string]any{"type": "object", "description": d.docs[of.PkgPath()+"."+of.Name()], "properties": properties}
	d.definitions[name] = object
	for _, f := range reflect.VisibleFields(of) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || tag == "-" {
			continue
		}
		require.NotEmpty(t, tag, "%s.%s has no name in JSON", name, f.Name)
		property := d.of(t, f.Type)
		property["description"] = d.describe(of, f)
		if property["description"] == "" {
			d.silent = append(d.silent, name+"."+f.Name)
		}
		if options == "" {
			required = append(required, tag)
			if k := f.Type.Kind(); k == reflect.Slice || k == reflect.Map {
				property["type"] = []any{property["type"], "null"} // Go writes none so
			}
		}
		properties[tag] = property
	}
	if len(required) > 0 {
		object["required"] = required
	}
}

// describe is the comment of a field, or of its type where it has none of its own.
func (d *drawing) describe(of reflect.Type, f reflect.StructField) string {
	owner := of
	if len(f.Index) > 1 {
		owner = of.Field(f.Index[0]).Type // an embedded type's
	}
	if said := d.docs[owner.PkgPath()+"."+owner.Name()+"."+f.Name]; said != "" {
		return said
	}
	inner := f.Type
	for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
		inner = inner.Elem()
	}
	return d.docs[inner.PkgPath()+"."+inner.Name()]
}
