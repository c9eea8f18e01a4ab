package project_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

func TestRead_FindsPrograms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mod  string
		all  files
		want []string
	}{
		"at the root":          {all: files{"main.go": program}, want: []string{"."}},
		"several, sorted":      {all: files{"cmd/b/m.go": program, "cmd/a/m.go": program, "main.go": program}, want: []string{".", "./cmd/a", "./cmd/b"}},
		"no library":           {all: files{"lib.go": "package lib\n"}},
		"no test":              {all: files{"main_test.go": program}},
		"no hidden file":       {all: files{".main.go": program, "_main.go": program}},
		"comments before":      {all: files{"main.go": "/* a\nb */ // c\n\npackage /* d */ main\n"}, want: []string{"."}},
		"byte order mark":      {all: files{"main.go": "\ufeff" + program}, want: []string{"."}},
		"carriage returns":     {all: files{"main.go": "package main\r\n"}, want: []string{"."}},
		"only what is ignored": {all: files{"gen.go": "//go:build ignore\n\npackage main\n"}},
		"a generator beside": {
			all:  files{"lib/gen.go": "//go:build ignore\n\npackage main\n", "lib/lib.go": "package lib\n", "main.go": program},
			want: []string{"."},
		},
		"other systems":      {all: files{"a/main_windows.go": program, "b/main.go": "//go:build darwin\n\npackage main\n", "c/main_arm64.go": program}},
		"linux":              {all: files{"a/main_linux.go": program, "b/main.go": "//go:build unix && !cgo\n\npackage main\n"}, want: []string{"./a", "./b"}},
		"an old release":     {all: files{"a/m.go": "//go:build go1.26\n\npackage main\n", "b/m.go": "//go:build go1.99\n\npackage main\n"}, want: []string{"./a"}},
		"a new release":      {mod: "go 1.99.2\n", all: files{"b/m.go": "//go:build go1.99\n\npackage main\n"}, want: []string{"./b"}},
		"documentation":      {all: files{"doc.go": "package documentation\n", "main.go": program}, want: []string{"."}},
		"a broken file":      {all: files{"a.go": "pakcage main\n", "main.go": program}, want: []string{"."}},
		"a broken rest":      {all: files{"main.go": "package main\n\nimport (\n\"fmt\nfunc {{\n"}, want: []string{"."}},
		"cgo":                {all: files{"main.go": "package main\n\nimport \"C\"\n"}, want: []string{"."}},
		"left-out folders":   {all: files{"vendor/x/m.go": program, "a/testdata/m.go": program, ".x/m.go": program, "_x/m.go": program, "node_modules/x/m.go": program}},
		"a nested module":    {all: files{"sub/go.mod": "module example.com/sub\n", "sub/m.go": program, "sub/deep/m.go": program}},
		"no valid path":      {all: files{"my server/m.go": program, "new\nline/m.go": program, "ü/m.go": program, "-flag/m.go": program, "-x/a/m.go": program}, want: []string{"./-x/a"}},
		"a folder named .go": {all: files{"x.go/m.go": program}, want: []string{"./x.go"}},
		"ignored by go.mod": {
			mod:  "ignore ./gen\nignore node\nignore a/b\n",
			all:  files{"gen/m.go": program, "x/gen/m.go": program, "x/node/m.go": program, "x/a/b/c/m.go": program, "generated/m.go": program},
			want: []string{"./generated", "./x/gen"},
		},
		"a tool":                  {all: files{"a/m.go": "//slipway:ignore\npackage main\n", "b/m.go": program}, want: []string{"./b"}},
		"a tool by documentation": {all: files{"m.go": "// Command m is a tool.\n//\n//slipway:ignore\npackage main\n"}},
		"a tool by another file":  {all: files{"m.go": program, "z.go": "//slipway:ignore\n\npackage main\n"}},
		"almost a tool": {
			all: files{
				"a/m.go": "package main\n\n//slipway:ignore\n", "b/m.go": "// slipway:ignore\npackage main\n",
				"c/m.go": "/* //slipway:ignore */\npackage main\n", "d/m.go": "//slipway:ignored\npackage main\n",
				"e/m.go": program, "e/m_windows.go": "//slipway:ignore\npackage main\n",
			},
			want: []string{"./a", "./b", "./c", "./d", "./e"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, tt.all)
			write(t, dir, files{"go.mod": tide[:len("module example.com/tide\n")] + tt.mod})
			require.Equal(t, tt.want, dirs(mustRead(t, dir).Mains))
		})
	}
}

func TestRead_NamesBinariesAsGoBuildDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"whoami": "whoami", "example.com/tide": "tide", "example.com/tide/v2": "tide", "example.com/tide/v10": "tide",
		"gopkg.in/tide.v3": "tide.v3", "example.com/vault": "vault", "example.com/tide/v2x": "v2x", "v2": "v2",
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			p := mustRead(t, folder(t, files{"go.mod": "module " + path + "\n", "main.go": program, "cmd/v2/main.go": program, "cmd/v1/main.go": program}))
			require.Equal(t, project.Main{Dir: ".", Package: path, Name: want}, p.Mains[0])
			require.Equal(t, project.Main{Dir: "./cmd/v1", Package: path + "/cmd/v1", Name: "v1"}, p.Mains[1])
			require.Equal(t, project.Main{Dir: "./cmd/v2", Package: path + "/cmd/v2", Name: "cmd"}, p.Mains[2])
		})
	}
}

func TestRead_FollowsLinksToFilesInsideTheTreeOnly(t *testing.T) {
	t.Parallel()
	outside := folder(t, files{"main.go": program})
	dir := folder(t, files{"go.mod": tide, "shared/x.go": program, "lib/lib.go": "package lib\n"})
	for _, sub := range []string{"in", "out", "gone", "dir"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	links := map[string]string{
		"in/main.go": "../shared/x.go", "out/main.go": filepath.Join(outside, "main.go"), "gone/main.go": "nowhere.go",
		"dir/main.go": "../lib", "linked": "shared", "self": ".", "up": "..",
	}
	for link, target := range links {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	require.Equal(t, []string{"./in", "./shared"}, dirs(mustRead(t, dir).Mains))
}

func TestRead_ReadsOnlyTheBeginningOfLargeFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"go.mod": tide, "cmd/a/main.go": program, "cmd/b/main.go": "//", "junk.bin": ""})
	for _, name := range []string{"junk.bin", "cmd/a/main.go", "cmd/b/main.go"} {
		require.NoError(t, os.Truncate(filepath.Join(dir, name), 2<<30), "a sparse file")
	}
	begin := time.Now()
	require.Equal(t, []string{"./cmd/a"}, dirs(mustRead(t, dir).Mains))
	require.Less(t, time.Since(begin), 30*time.Second)
}

func TestRead_GetsThroughTenThousandFolders(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 20,000 folders")
	}
	t.Parallel()
	dir := folder(t, files{"go.mod": tide, "main.go": program})
	begin := time.Now()
	for i := range 10_000 {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "wide", fmt.Sprint(i)), 0o755))
	}
	deep, err := os.OpenRoot(dir)
	require.NoError(t, err)
	for range 10_000 {
		require.NoError(t, deep.Mkdir("d", 0o755))
		next, err := deep.OpenRoot("d")
		require.NoError(t, err)
		require.NoError(t, deep.Close())
		deep = next
	}
	require.NoError(t, deep.Close())
	made := time.Since(begin)
	begin = time.Now()
	p := mustRead(t, dir)
	t.Logf("made in %s, read in %s", made, time.Since(begin))
	require.Less(t, time.Since(begin), made)
	require.Equal(t, []string{"."}, dirs(p.Mains))
	require.Contains(t, p.Notes[0], "a folder was not searched for programs")
	require.Less(t, len(p.Notes[0]), 700)
}

func TestRead_GoesOnPastWhatItMayNotRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"go.mod": tide, "main.go": program, "a/main.go": program})
	name := strings.Repeat("n", 250)
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	for range 20 {
		require.NoError(t, root.Mkdir(name, 0o755))
		next, err := root.OpenRoot(name)
		require.NoError(t, err)
		require.NoError(t, root.Close())
		root = next
	}
	require.NoError(t, root.Close())
	p := mustRead(t, dir)
	require.Equal(t, []string{".", "./a"}, dirs(p.Mains))
	require.Contains(t, p.Notes[0], "file name too long")
}

func TestRead_StopsWithTheContext(t *testing.T) {
	t.Parallel()
	stop := errors.New("the user stopped it")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, err := project.Read(ctx, project.Options{Dir: folder(t, files{"go.mod": tide, "main.go": program})})
	require.ErrorIs(t, err, stop)
}
