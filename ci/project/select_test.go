package project_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

func several(t *testing.T) *project.Project {
	t.Helper()
	return mustRead(t, folder(t, files{
		"go.mod": tide, "main.go": program, "cmd/a/main.go": program, "cmd/b/main.go": program, "cmd/x.go/main.go": program,
		"lib/lib.go": "package lib\n", "tools/gen/main.go": "//slipway:ignore\npackage main\n", "my svc/main.go": program,
	}))
}

func TestSelect_TakesWhatIsNamed(t *testing.T) {
	t.Parallel()
	p := several(t)
	all := []string{".", "./cmd/a", "./cmd/b", "./cmd/x.go"}
	tests := map[string]struct{ named, want []string }{
		"with a dot":     {[]string{"./cmd/a"}, []string{"./cmd/a"}},
		"without":        {[]string{"cmd/a"}, []string{"./cmd/a"}},
		"slash":          {[]string{"cmd/a/"}, []string{"./cmd/a"}},
		"detour":         {[]string{"./cmd/../cmd//a/."}, []string{"./cmd/a"}},
		"root":           {[]string{"."}, []string{"."}},
		"import path":    {[]string{"example.com/tide/cmd/b"}, []string{"./cmd/b"}},
		"root's path":    {[]string{"example.com/tide"}, []string{"."}},
		"in that order":  {[]string{"./cmd/b", "./cmd/a"}, []string{"./cmd/b", "./cmd/a"}},
		"each once":      {[]string{"./cmd/b", "cmd/b", "example.com/tide/cmd/b"}, []string{"./cmd/b"}},
		"all":            {[]string{"all"}, all},
		"like a Go file": {[]string{"./cmd/x.go"}, []string{"./cmd/x.go"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := p.Select(tt.named)
			require.NoError(t, err)
			require.Equal(t, tt.want, dirs(got))
		})
	}
}

func TestSelect_RefusesWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	p := several(t)
	tests := map[string]struct{ name, why string }{
		"empty":              {"", "is empty"},
		"a flag":             {"-toolexec=evil", "begins like a flag"},
		"two dashes":         {"--main", "begins like a flag"},
		"out":                {"../elsewhere", "lies outside"},
		"out by a detour":    {"cmd/../../x", "lies outside"},
		"absolute":           {filepath.Join(p.Root, "cmd", "a"), "is not relative"},
		"absent":             {"./cmd/absent", "has no package main"},
		"a library":          {"./lib", "has no package main"},
		"a pattern":          {"./...", "is a pattern"},
		"a file":             {"./cmd/a/main.go", "is a file"},
		"a tool":             {"./tools/gen", "is a tool and no service"},
		"no import path":     {"./my svc", "cannot be built by any go command"},
		"other import path":  {"example.com/other", "has no package main"},
		"line end":           {"cmd/a\n-x", "has control characters"},
		"zero byte":          {"cmd\x00", "has control characters"},
		"escape sequence":    {"\x1b[31m", "has control characters"},
		"other letter cases": {"./CMD/a", "has no package main"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := p.Select([]string{tt.name})
			said := usage(t, err)
			require.Contains(t, said, tt.why)
			require.Contains(t, said, "./cmd/a", "it says what there is")
		})
	}
	_, err := p.Select([]string{"all", "./cmd/a"})
	require.Contains(t, usage(t, err), "stands alone")
}

func TestSelect_WithoutANameTakesTheOnlyProgram(t *testing.T) {
	t.Parallel()
	only := mustRead(t, folder(t, files{"go.mod": tide, "cmd/a/main.go": program}))
	for _, named := range [][]string{nil, {}, {"all"}} {
		got, err := only.Select(named)
		require.NoError(t, err)
		require.Equal(t, only.Mains, got)
	}

	_, err := several(t).Select(nil)
	said := usage(t, err)
	require.Contains(t, said, "there are 4 programs")
	require.Contains(t, said, "., ./cmd/a, ./cmd/b, ./cmd/x.go")
	require.Contains(t, said, "--main .")
	require.Equal(t, []string{".", "./cmd/a", "./cmd/b", "./cmd/x.go"}, detail(t, err))
}

func TestSelect_ListsTheFirstOfManyPrograms(t *testing.T) {
	t.Parallel()
	all := files{"go.mod": tide}
	for _, name := range "abcdefghi" {
		all["cmd/"+string(name)+"/main.go"] = program
	}
	_, err := mustRead(t, folder(t, all)).Select(nil)
	require.Contains(t, usage(t, err), "./cmd/f and 3 more")
	require.Len(t, detail(t, err), 9)
}

func TestSelect_SaysWhyThereIsNoProgram(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		all files
		why string
	}{
		"a library":   {files{"lib.go": "package lib\n"}, "Slipway builds programs"},
		"a tool":      {files{"m.go": "//slipway:ignore\npackage main\n"}, ". is a tool and no service"},
		"broken":      {files{"cmd/m.go": "pakcage main\n"}, "correct cmd/m.go:1:1: expected 'package'"},
		"no Go files": {nil, "Slipway builds programs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, tt.all)
			write(t, dir, files{"go.mod": tide})
			p := mustRead(t, dir)
			for _, named := range [][]string{nil, {"all"}} {
				_, err := p.Select(named)
				require.Contains(t, usage(t, err), tt.why)
				require.ErrorContains(t, err, "there is no package main for linux")
			}
			_, err := p.Select([]string{"./x"})
			require.Contains(t, usage(t, err), "has none")
		})
	}
}
