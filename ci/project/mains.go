package project

import (
	"context"
	"errors"
	"fmt"
	"go/scanner"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"example.com/slipway/ci/fault"
)

// readMains finds the programs of every module that counts.
func (p *Project) readMains(ctx context.Context) error {
	var unread []string
	for _, m := range p.modules {
		skipped, err := p.walk(ctx, m)
		if err != nil {
			return err
		}
		unread = append(unread, skipped...)
	}
	slices.SortFunc(p.Mains, func(a, b Main) int { return strings.Compare(a.Dir, b.Dir) })
	switch slices.Sort(unread); len(unread) {
	case 0:
	case 1:
		p.note("a folder was not searched for programs: %s", unread[0])
	default:
		p.note("%d folders were not searched for programs, the first is %s", len(unread), unread[0])
	}
	return nil
}

// walk looks into the folders of a module as ./... does. It keeps its own stack of
// paths, so that depth costs nothing but length, and goes on past a folder that
// cannot be read, a path too long for the system among them: the go command needs
// to read such a folder only if a program imports it. Those are returned, in words.
func (p *Project) walk(ctx context.Context, m moduleRoot) (unread []string, err error) {
	for pending := []string{"."}; len(pending) > 0; {
		rel := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		entries, err := list(ctx, filepath.Join(m.dir, filepath.FromSlash(rel)))
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && rel == ".":
			return nil, fault.New(fault.Usage, "the folder %s cannot be read: %v", shown(m.dir), reason(err)).
				WithFix("make it readable").WithCause(err)
		case err != nil:
			unread = append(unread, fmt.Sprintf("%s (%v)", shown(rel), reason(err)))
			continue
		}
		if rel != "." && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "go.mod" && !e.IsDir() }) {
			continue // a module of its own
		}
		var files []string
		for _, e := range entries {
			switch name := path.Join(rel, e.Name()); {
			case e.IsDir() && !neverSource(e.Name()) && !m.ignores(name):
				pending = append(pending, name)
			case isSource(e):
				files = append(files, e.Name())
			}
		}
		if err := p.judge(ctx, m, rel, files); err != nil {
			return nil, err
		}
	}
	return unread, nil
}

// neverSource tells whether ./... passes over a folder of that name. It goes into
// node_modules, which are no work of the service's authors.
func neverSource(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		name == "vendor" || name == "testdata" || name == "node_modules"
}

// isSource tells whether an entry may be a Go file of a program: a file, or a link
// that may lead to one.
func isSource(e fs.DirEntry) bool {
	name := e.Name()
	return (e.Type().IsRegular() || e.Type() == fs.ModeSymlink) &&
		strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// ignores tells whether an ignore line of go.mod covers a folder: one that begins
// with ./ only from the module's root on, any other wherever it occurs:
// https://go.dev/ref/mod#go-mod-file-ignore
func (m moduleRoot) ignores(rel string) bool {
	return slices.ContainsFunc(m.ignore, func(line string) bool {
		below, rooted := strings.CutPrefix(line, "./")
		part := "/" + strings.Trim(below, "/") + "/"
		if rooted {
			return strings.HasPrefix("/"+rel+"/", part)
		}
		return strings.Contains("/"+rel+"/", part)
	})
}

// judge decides whether a folder is a program. Of several package clauses the first
// one decides; the go command tells the user what is wrong with the others.
func (p *Project) judge(ctx context.Context, m moduleRoot, rel string, files []string) error {
	const mostBroken = 10
	dir := filepath.Join(m.dir, filepath.FromSlash(rel))
	isMain, isTool := false, false
	slices.Sort(files)
	for _, name := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c, ok, err := p.readClause(dir, name)
		if err != nil && len(p.broken) < mostBroken {
			p.broken = append(p.broken, position(path.Join(relative(p.Root, dir), name), err))
		}
		if err != nil || !ok {
			continue
		}
		if !isMain && c.name != "main" {
			return nil
		}
		isMain, isTool = true, isTool || c.tool
	}
	if !isMain {
		return nil
	}
	main := newMain(relative(p.Root, dir), path.Join(m.path, rel))
	switch err := module.CheckImportPath(main.Package); {
	case isTool:
		p.passedOver[main.Dir] = fmt.Sprintf("is a tool and no service, by its comment %s", Ignore)
	case err != nil:
		p.passedOver[main.Dir] = fmt.Sprintf("cannot be built by any go command: %s", shown(err.Error()))
	case strings.ContainsAny(path.Base(main.Package)[:1], "-+~"):
		p.passedOver[main.Dir] = "cannot be built by any go command: its folder's name begins like no argument may"
	default:
		p.Mains = append(p.Mains, main)
	}
	return nil
}

// position says what is wrong with a file; a parser's error begins with the line.
func position(file string, err error) string {
	if _, ok := errors.AsType[scanner.ErrorList](err); ok {
		return shown(file) + ":" + shown(err.Error())
	}
	return shown(file) + ": " + shown(err.Error())
}

func newMain(rel, pkg string) Main {
	m := Main{Dir: "./" + rel, Package: pkg, Name: binaryName(pkg)}
	if rel == "." {
		m.Dir = "."
	}
	return m
}

// binaryName is the last element of an import path that is not a major version.
// Source: cmd/go/internal/load, DefaultExecName.
func binaryName(pkg string) string {
	dir, last := path.Split(pkg)
	digits, isVersion := strings.CutPrefix(last, "v")
	if dir == "" || !isVersion || digits == "" || digits == "1" || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return last
	}
	return path.Base(dir)
}
