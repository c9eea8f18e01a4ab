package project_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/project"
)

func TestRead_FindsTheProgramsThatAUserCouldMean(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"go.mod":                   mod,
		"cmd/a/main.go":            prog,
		"cmd/b/v2/main.go":         prog,
		"cmd/windows/x_windows.go": prog,
		"cmd/tagged/main.go":       "//go:build linux && !cgo\n\n" + prog,
		"cmd/ignored/main.go":      "//go:build ignore\n\n" + prog,
		"cmd/tests/main_test.go":   prog,
		"cmd/tool/main.go":         "// Tool is for developers.\n//\n//slipway:ignore\n" + prog,
		"cmd/tool/other.go":        prog,
		"cmd/broken/main.go":       "package main\nfunc {",
		"cmd/nonsense/main.go":     "\x00\x01",
		"lib/lib.go":               "package lib\n",
		"vendor/x/main.go":         prog,
		"testdata/main.go":         prog,
		".hidden/main.go":          prog,
		"_old/main.go":             prog,
		"node_modules/x/main.go":   prog,
		"nested/go.mod":            "module example.com/nested\n",
		"nested/main.go":           prog,
		"with space/ü/main.go":     prog,
	})
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "lib", "pipe.go"), 0o644))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "lib", "zero.go")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "lib", "loop")))
	require.Equal(t, []project.Main{
		{Dir: "./cmd/a", Package: "example.com/tide/cmd/a", Name: "a"},
		{Dir: "./cmd/b/v2", Package: "example.com/tide/cmd/b/v2", Name: "b"},
		{Dir: "./cmd/broken", Package: "example.com/tide/cmd/broken", Name: "broken"},
		{Dir: "./cmd/tagged", Package: "example.com/tide/cmd/tagged", Name: "tagged"},
		{Dir: "./with space/ü", Package: "example.com/tide/with space/ü", Name: "ü"},
	}, read(t, dir).Mains)
}

func TestSelect_TakesTheOnlyProgram(t *testing.T) {
	t.Parallel()
	p := read(t, tree(t, map[string]string{"go.mod": "module example.com/tide/v3\n", "main.go": prog}))
	mains, err := p.Select(nil)
	require.NoError(t, err)
	require.Equal(t, []project.Main{{Dir: ".", Package: "example.com/tide/v3", Name: "tide"}}, mains)
}

func TestSelect_TakesWhatIsNamedAndNothingElse(t *testing.T) {
	t.Parallel()
	p := read(t, tree(t, map[string]string{"go.mod": mod, "cmd/a/main.go": prog, "cmd/b/main.go": prog, "lib/lib.go": "package lib\n"}))
	for _, name := range []string{"./cmd/b", "cmd/b", "cmd/b/", "./cmd/./b", "example.com/tide/cmd/b"} {
		mains, err := p.Select([]string{name})
		require.NoError(t, err, name)
		require.Equal(t, "./cmd/b", mains[0].Dir)
	}
	all, err := p.Select([]string{"all"})
	require.NoError(t, err)
	require.Len(t, all, 2)
	_, err = p.Select(nil)
	require.ErrorContains(t, err, "--main ./cmd/a")
	for _, name := range []string{
		"", "-toolexec=evil", "--", "../tide/cmd/b", "/etc", "./lib", "./cmd", "./cmd/absent", "./...", "cmd/a\n", "cmd/a\x00", p.Root + "/cmd/a", "cmd/../../x",
	} {
		_, err := p.Select([]string{name})
		require.Error(t, err, "%q", name)
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
}

func TestSelect_SaysThatThereIsNoProgram(t *testing.T) {
	t.Parallel()
	p := read(t, tree(t, map[string]string{"go.mod": mod, "lib.go": "package lib\n"}))
	_, err := p.Select(nil)
	require.ErrorContains(t, err, "no package main")
}

// Time is bounded by the number of folders, not by what lies in them.
func TestRead_TakesBoundedTimeOnJunk(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"go.mod": mod, "main.go": prog})
	junk, err := os.Create(filepath.Join(dir, "junk.go"))
	require.NoError(t, err)
	require.NoError(t, junk.Truncate(2<<30))
	require.NoError(t, junk.Close())
	for i := range 10_000 {
		require.NoError(t, os.Mkdir(filepath.Join(dir, fmt.Sprint("d", i)), 0o755))
	}
	start := time.Now()
	require.Len(t, read(t, dir).Mains, 1)
	require.Less(t, time.Since(start), 10*time.Second)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = project.Read(ctx, project.Options{Dir: dir, Env: os.Environ()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRead_ReadsModulesAndWorkspaces(t *testing.T) {
	t.Parallel()
	svc := map[string]string{"svc/go.mod": "module example.com/svc\n\ngo 1.24.0\ntoolchain go1.26.1\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n", "svc/main.go": prog, "lib/go.mod": "module example.com/lib\n", "lib/lib.go": "package lib\n"}
	work := map[string]string{"go.work": "go 1.26.0\nuse (\n\t./svc\n\t./lib\n)\n"}
	with := func(sets ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, set := range sets {
			for name, text := range set {
				all[name] = text
			}
		}
		return all
	}
	dir := committed(t, svc)
	p := read(t, filepath.Join(dir, "svc"))
	require.Equal(t, "1.24.0", p.GoVersion)
	require.Equal(t, "go1.26.1", p.Toolchain)
	require.Equal(t, []string{filepath.Join(dir, "svc"), filepath.Join(dir, "lib")}, p.ModuleFolders, "a replacement beside it lies inside the repository")

	dir = committed(t, with(svc, work))
	p = read(t, filepath.Join(dir, "svc"))
	require.Equal(t, filepath.Join(dir, "go.work"), p.Workspace)
	require.Equal(t, "1.26.0", p.GoVersion, "the newest go line counts")
	whole := read(t, dir)
	require.Equal(t, []project.Main{{Dir: "./svc", Package: "example.com/svc", Name: "svc"}}, whole.Mains)

	dir = committed(t, with(svc, map[string]string{"go.work": "go 1.26.0\nuse ./lib\n"}))
	p = read(t, filepath.Join(dir, "svc"))
	require.Empty(t, p.Workspace)
	require.Contains(t, strings.Join(p.Notes, "\n"), "does not use this module")

	dir = committed(t, with(svc, map[string]string{"svc/vendor/modules.txt": "# example.com/lib v0.0.0\n"}))
	require.True(t, read(t, filepath.Join(dir, "svc")).Vendor)
}

func TestRead_NamesWhatIsWrongWithModules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"nothing":             {map[string]string{"main.go": prog}, "there is no go.mod in"},
		"below":               {map[string]string{"svc/go.mod": mod}, "--src names it"},
		"no module line":      {map[string]string{"go.mod": "go 1.25.0\n"}, "has no module line"},
		"malformed":           {map[string]string{"go.mod": "module example.com/tide\n\nrequire (\n"}, "go.mod:3"},
		"replaced outside":    {map[string]string{"go.mod": mod + "replace example.com/x => ../../x\n"}, "go.mod:4: example.com/x is replaced by ../../x, which lies outside"},
		"replaced absolutely": {map[string]string{"go.mod": mod + "replace example.com/x => /etc\n"}, "which lies outside"},
		"malformed workspace": {map[string]string{"go.mod": mod, "go.work": "go 1.25.0\nuse (\n"}, "go.work:2"},
		"workspace outside":   {map[string]string{"go.mod": mod, "go.work": "go 1.25.0\nuse (\n\t.\n\t../x\n)\n"}, "lies outside"},
		"workspace of nobody": {map[string]string{"go.mod": mod, "go.work": "go 1.25.0\nuse (\n\t.\n\t./absent\n)\n"}, "which has no go.mod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := readError(t, tree(t, c.files))
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.Contains(t, err.Error(), c.says)
		})
	}
	dir := tree(t, map[string]string{"x": ""})
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "go.mod"), 0o644))
	require.ErrorContains(t, readError(t, dir), "not a regular file")
	require.ErrorContains(t, readError(t, filepath.Join(dir, "absent")), "there is no folder")
	require.ErrorContains(t, readError(t, filepath.Join(dir, "x")), "is not a folder")
}
