package project_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirty_ComparesContentAndMode(t *testing.T) {
	t.Parallel()
	change := func(text string) func(*testing.T, string) {
		return func(t *testing.T, name string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o644)) }
	}
	mode := func(m os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, name string) { require.NoError(t, os.Chmod(name, m)) }
	}
	link := func(target string) func(*testing.T, string) {
		return func(t *testing.T, name string) {
			require.NoError(t, os.RemoveAll(name))
			require.NoError(t, os.Symlink(target, name))
		}
	}
	tests := map[string]struct {
		file  string
		do    func(t *testing.T, name string)
		clean bool
	}{
		"untouched":              {file: "main.go", clean: true},
		"same bytes again":       {file: "main.go", do: change(program), clean: true},
		"other bytes":            {file: "main.go", do: change(program + "// x\n")},
		"same length":            {file: "main.go", do: change(strings.Replace(program, "main()", "niam()", 1))},
		"emptied":                {file: "main.go", do: change("")},
		"carriage returns":       {file: "main.go", do: change(strings.ReplaceAll(program, "\n", "\r\n"))},
		"committed with returns": {file: "crlf.txt", clean: true},
		"returns taken away":     {file: "crlf.txt", do: change("a\nb\n")},
		"empty file":             {file: "empty", clean: true},
		"x-bit added":            {file: "main.go", do: mode(0o755)},
		"x-bit taken away":       {file: "run.sh", do: mode(0o644)},
		"executable":             {file: "run.sh", clean: true},
		"other mode bits":        {file: "main.go", do: mode(0o600), clean: true},
		"x-bit of others only":   {file: "main.go", do: mode(0o655), clean: true},
		"deleted":                {file: "main.go", do: func(t *testing.T, name string) { require.NoError(t, os.Remove(name)) }},
		"never committed":        {file: "new.go", do: change(program)},
		"neither here nor there": {file: "absent.go"},
		"ignored by git":         {file: "built.bin"},
		"in a folder":            {file: "a/b/c.txt", clean: true},
		"a folder":               {file: "a/b"},
		"unclean path":           {file: "./a//b/../b/c.txt", clean: true},
		"the root":               {file: "."},
		"no name":                {file: ""},
		"out of the tree":        {file: "../main.go"},
		"link":                   {file: "link", clean: true},
		"dangling link":          {file: "dangling", clean: true},
		"link elsewhere":         {file: "link", do: link("crlf.txt")},
		"link made a file":       {file: "link", do: func(t *testing.T, name string) { require.NoError(t, os.Remove(name)); change("main.go")(t, name) }},
		"file made a link":       {file: "main.go", do: link("copy.go")},
		"file made a folder": {file: "main.go", do: func(t *testing.T, name string) {
			require.NoError(t, os.Remove(name))
			require.NoError(t, os.Mkdir(name, 0o755))
		}},
		"behind a link": {file: "a/b/c.txt", do: func(t *testing.T, name string) {
			link("same")(t, filepath.Dir(name))
		}},
		"pathspec magic":   {file: ":(top)x", clean: true},
		"wildcard":         {file: "*.go"},
		"spaces":           {file: "sp ace", clean: true},
		"line end":         {file: "new\nline", clean: true},
		"dash":             {file: "-dash", clean: true},
		"not ASCII":        {file: "größe", clean: true},
		"quotes, tab":      {file: "q\"\t", clean: true},
		"of a submodule":   {file: "sub/x"},
		"submodule itself": {file: "sub"},
	}
	names := slices.Sorted(maps.Keys(tests))
	dir := everyKindOfFile(t, len(names))
	p := mustRead(t, dir)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt := tests[name]
			file := tt.file
			if tt.do != nil {
				file = fmt.Sprintf("case%d/%s", i, file)
				tt.do(t, filepath.Join(dir, file))
			}
			changed, err := p.Dirty(t.Context(), []string{"go.mod", file})
			require.NoError(t, err)
			if tt.clean {
				require.Empty(t, changed)
				return
			}
			require.Equal(t, []string{file}, changed)
		})
	}
}

// everyKindOfFile returns a repository with what a commit can hold, and folders
// case0, case1 and so on with files to change.
func everyKindOfFile(t *testing.T, cases int) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the names, links and x-bits of this test are not those of Windows")
	}
	dir := folder(t, files{
		"go.mod": tide, "empty": "", "sp ace": "1", "new\nline": "2", "-dash": "3", "größe": "4", "q\"\t": "5", ":(top)x": "6",
		".gitignore": "*.bin\n", ".gitattributes": "* text=auto eol=lf\n*.txt -text\n", "sub/x": "x",
	})
	for i := range cases + 1 {
		sub := filepath.Join(dir, fmt.Sprintf("case%d", i))
		if i == cases {
			sub = dir
		}
		write(t, sub, files{
			"main.go": program, "copy.go": program, "crlf.txt": "a\r\nb\r\n", "run.sh": "#!/bin/sh\n", "a/b/c.txt": "c", "a/same/c.txt": "c",
		})
		require.NoError(t, os.Chmod(filepath.Join(sub, "run.sh"), 0o755))
		require.NoError(t, os.Symlink("main.go", filepath.Join(sub, "link")))
		require.NoError(t, os.Symlink("nowhere", filepath.Join(sub, "dangling")))
	}
	gitIn(t, filepath.Join(dir, "sub"), "init", "-q")
	commit(t, filepath.Join(dir, "sub"))
	gitIn(t, dir, "init", "-q")
	gitIn(t, dir, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
	gitIn(t, dir, "commit", "-q", "-m", "all")
	write(t, dir, files{"built.bin": "made"})
	return dir
}

func TestDirty_TakesPathsRelativeToTheSourceFolder(t *testing.T) {
	t.Parallel()
	dir := repo(t, files{"svc/go.mod": tide, "svc/main.go": program, "lib/lib.go": "package lib\n"})
	p := mustRead(t, filepath.Join(dir, "svc"))
	write(t, dir, files{"lib/lib.go": "package lib // x\n"})
	changed, err := p.Dirty(t.Context(), []string{"../lib/lib.go", "go.mod", "main.go", "../../out"})
	require.NoError(t, err)
	require.Equal(t, []string{"../lib/lib.go", "../../out"}, changed)
}

func TestDirty_TakesMorePathsThanOneCommandLine(t *testing.T) {
	t.Parallel()
	all, names := service(), []string(nil)
	for i := range 500 {
		name := fmt.Sprintf("assets/%d/%s.txt", i%7, strings.Repeat("n", 60)+fmt.Sprint(i))
		all[name] = fmt.Sprint(i)
		names = append(names, name)
	}
	dir := repo(t, all)
	p := mustRead(t, dir)
	changed, err := p.Dirty(t.Context(), names)
	require.NoError(t, err)
	require.Empty(t, changed)
	write(t, dir, files{names[3]: "x", names[499]: "y"})
	changed, err = p.Dirty(t.Context(), names)
	require.NoError(t, err)
	require.Equal(t, []string{names[3], names[499]}, changed)
}

func TestDirty_ComparesWithTheCommitThatWasRead(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	p := mustRead(t, dir)
	write(t, dir, files{"main.go": program + "// x\n"})
	commit(t, dir)
	changed, err := p.Dirty(t.Context(), []string{"main.go"})
	require.NoError(t, err)
	require.Equal(t, []string{"main.go"}, changed)
}

func TestDirty_StopsWithTheContext(t *testing.T) {
	t.Parallel()
	p := mustRead(t, repo(t, service()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Dirty(ctx, []string{"main.go"})
	require.ErrorIs(t, err, context.Canceled)
}
