package project

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Ignore is the comment, on a line of its own before a package clause, that says
// that a package main is a tool and no service.
const Ignore = "//slipway:ignore"

const (
	// headLimit is how much of a Go file is read for its package clause, in bytes.
	headLimit = 1 << 20
	// oldestMinor is the oldest Go release, 1.26, that a builder is pinned to.
	oldestMinor = 26
)

// clause is what stands at the head of a Go file.
type clause struct {
	name string
	// tool says that the comment Ignore is there.
	tool bool
}

// readClause reads the head of a Go file; not ok is one that is no part of a build
// for linux without cgo. An error says that there is no package clause to be read.
func (p *Project) readClause(dir, name string) (c clause, ok bool, err error) {
	head, err := p.readHead(filepath.Join(dir, name))
	if err != nil || head == nil {
		return clause{}, false, err
	}
	if c, err = parseClause(head); err != nil {
		return clause{}, false, err
	}
	matcher := build.Context{
		GOOS: "linux", GOARCH: "amd64", Compiler: "gc", ReleaseTags: releaseTags(p.GoVersion),
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil },
	}
	ok, err = matcher.MatchFile(dir, name)
	// go/build sets a file of package documentation aside too.
	return c, ok && c.name != "documentation", err
}

// readHead reads the first headLimit bytes of a regular file, or nil where a link
// leads to something else or out of the tree.
func (p *Project) readHead(name string) ([]byte, error) {
	f, err := openRegular(name)
	if errors.Is(err, errIrregular) {
		real, failed := filepath.EvalSymlinks(name)
		if failed != nil || !within(p.TreeRoot, real) {
			return nil, nil
		}
		f, err = openRegular(real)
	}
	if errors.Is(err, errIrregular) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headLimit))
	if err != nil {
		return nil, reason(err)
	}
	return legible(head), nil
}

// legible returns the text before the first byte that no Go file may have. The
// parser would collect an error for each of them, a million for a file of zeros.
func legible(head []byte) []byte {
	for i := 0; i < len(head); {
		r, size := utf8.DecodeRune(head[i:])
		if r == 0 || r == utf8.RuneError && size <= 1 || r == '\ufeff' && i > 0 {
			return head[:i]
		}
		i += size
	}
	return head
}

// parseClause reads the package clause at the head of a Go file and the comments
// before it.
func parseClause(head []byte) (clause, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", head, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		return clause{}, err
	}
	tool := slices.ContainsFunc(file.Comments, func(g *ast.CommentGroup) bool {
		return slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return c.Pos() < file.Package && c.Text == Ignore })
	})
	return clause{name: file.Name.Name, tool: tool}, nil
}

// releaseTags are go1.1 up to the release that a module asks for. They do not come
// from the Go that compiled Slipway, which differs between machines.
func releaseTags(goVersion string) []string {
	minor := oldestMinor
	if rest, ok := strings.CutPrefix(goVersion, "1."); ok {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil && n < 1000 {
			minor = max(minor, n)
		}
	}
	var tags []string
	for n := 1; n <= minor; n++ {
		tags = append(tags, fmt.Sprintf("go1.%d", n))
	}
	return tags
}
