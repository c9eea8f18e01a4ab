package gocmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/source"
)

// Skeleton is what go list reads of a source tree, by slash paths from its root: the
// files that choose modules, the other kinds of source, each Go file up to the end of
// its imports, and of what Go files embed the names alone. While it stays the same,
// so does go list's answer, and an edit inside a function leaves it the same.
type Skeleton map[string][]byte

// Hash identifies a skeleton: the hexadecimal digest of its names and contents.
func (s Skeleton) Hash() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(h, "%q %d\n", name, len(s[name]))
		h.Write(s[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReadSkeleton reads the skeleton of a source tree.
func ReadSkeleton(ctx context.Context, tree string) (Skeleton, error) {
	s := Skeleton{}
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return nil // the go command says what it misses
		case d.IsDir() && name != tree && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			// No import path has such an element.
			return fs.SkipDir
		case d.IsDir() || !opened.MatchString(d.Name()):
			return nil
		}
		return s.add(tree, name)
	})
	return s, err
}

// add puts one file into the skeleton.
func (s Skeleton) add(tree, name string) error {
	place := func(name string) (string, bool) {
		rel, err := filepath.Rel(tree, name)
		return filepath.ToSlash(rel), err == nil && filepath.IsLocal(rel)
	}
	rel, _ := place(name)
	if ext := filepath.Ext(name); ext == ".syso" || ext == ".pgo" {
		s[rel] = nil
		return nil
	}
	f, err := source.Open(name, tree)
	if err != nil {
		// A dangling link, or one that leads out: not a file of the tree. Whatever
		// needs it says so.
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(name, ".go") {
		s[rel] = text
		return nil
	}
	var patterns []string
	s[rel], patterns = head(text)
	for _, embedded := range matches(filepath.Dir(name), patterns) {
		at, ok := place(embedded)
		if _, known := s[at]; ok && !known {
			s[at] = nil
		}
	}
	return nil
}

// head is a Go file up to the end of its imports, or all of it where it embeds or
// does not parse, and the patterns of what it embeds.
func head(text []byte) (kept []byte, patterns []string) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "", text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return text, nil
	}
	end := parsed.Name.End()
	for _, decl := range parsed.Decls {
		end = max(end, decl.End())
	}
	for _, spec := range parsed.Imports {
		if embeds(spec) {
			return text, embedPatterns(text)
		}
	}
	offset := files.Position(end).Offset
	return append(text[:offset:offset], '\n'), nil
}

func embeds(spec *ast.ImportSpec) bool {
	return spec.Path.Value == `"embed"` || spec.Path.Value == "`embed`"
}

var embedLine = regexp.MustCompile(`(?m)//go:embed[ \t]+(.+?)\r?$`)

// embedPatterns are those of all lines that could be of go:embed. One too many costs
// a name in the skeleton, no more.
func embedPatterns(text []byte) []string {
	var list []string
	for _, m := range embedLine.FindAllSubmatch(text, -1) {
		line := string(m[1])
		list = append(list, strings.Fields(line)...)
		for _, quote := range []string{`"`, "`"} {
			for i, part := range strings.Split(line, quote) {
				if i%2 == 1 {
					list = append(list, part)
				}
			}
		}
	}
	return list
}

// matches are the files that patterns of a package's folder name, by themselves or
// by a folder above them. https://pkg.go.dev/embed#hdr-Directives
func matches(dir string, patterns []string) []string {
	var list []string
	for _, p := range patterns {
		p = strings.TrimPrefix(strings.Trim(p, "\"`"), "all:")
		if !fs.ValidPath(path.Clean(p)) {
			continue
		}
		found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(p)))
		for _, name := range found {
			_ = filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					list = append(list, name)
				}
				return nil
			})
		}
	}
	return list
}
