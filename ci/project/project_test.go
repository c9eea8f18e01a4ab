package project_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/project"
)

// files are contents by slash path.
type files map[string]string

const program = "package main\n\nfunc main() {}\n"

// folder returns a new folder with these files, its links resolved.
func folder(t testing.TB, all files) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	write(t, dir, all)
	return dir
}

func write(t testing.TB, dir string, all files) {
	t.Helper()
	for name, text := range all {
		full := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o644))
	}
}

// read reads a folder with the git of this machine.
func read(t testing.TB, dir string) (*project.Project, error) {
	t.Helper()
	return project.Read(t.Context(), project.Options{Dir: dir, Env: environ(t)})
}

func mustRead(t testing.TB, dir string) *project.Project {
	t.Helper()
	p, err := read(t, dir)
	require.NoError(t, err)
	return p
}

// usage asserts an error that the user can act on, and returns its sentence.
func usage(t testing.TB, err error) string {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, fault.Usage, fault.KindOf(err), "%v", err)
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "\x1b")
	return err.Error()
}

func detail(t testing.TB, err error) []string {
	t.Helper()
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	return f.Detail
}

func dirs(mains []project.Main) []string {
	var all []string
	for _, m := range mains {
		all = append(all, m.Dir)
	}
	return all
}

func TestRead_SaysWhatAModuleHolds(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"go.mod":             "module example.com/tide\n\ngo 1.26.0\n\ntoolchain go1.26.9\n",
		"cmd/tide/main.go":   program,
		"internal/x/x.go":    "package x\n",
		"vendor/modules.txt": "",
	})
	p := mustRead(t, dir)
	require.Equal(t, dir, p.Root)
	require.Equal(t, dir, p.TreeRoot)
	require.Equal(t, dir, p.ModuleDir)
	require.Equal(t, "example.com/tide", p.ModulePath)
	require.Equal(t, "1.26.0", p.GoVersion)
	require.Equal(t, "go1.26.9", p.Toolchain)
	require.Empty(t, p.Workspace)
	require.True(t, p.Vendor)
	require.Equal(t, []project.Main{{Dir: "./cmd/tide", Package: "example.com/tide/cmd/tide", Name: "tide"}}, p.Mains)
	require.Equal(t, project.Git{}, p.Git)
	require.Len(t, p.Notes, 1)
	require.Contains(t, p.Notes[0], "no git repository")
}

func TestRead_ResolvesLinksToTheFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"go.mod": "module example.com/tide\n", "main.go": program})
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	p := mustRead(t, link)
	require.Equal(t, dir, p.Root)
	require.Equal(t, "1.16", p.GoVersion, "what a go.mod without a go line means")
	require.Empty(t, p.Toolchain)
	require.False(t, p.Vendor)
}

func TestRead_RefusesWhatIsNoFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"file": ""})
	require.Contains(t, usage(t, errorOf(read(t, filepath.Join(dir, "absent")))), "there is no folder")
	require.Contains(t, usage(t, errorOf(read(t, filepath.Join(dir, "file")))), "is not a folder")
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink(loop, loop))
	require.Contains(t, usage(t, errorOf(read(t, loop))), "cannot be read")
}

func errorOf(_ *project.Project, err error) error { return err }

func TestRead_NamesTheNearestModuleWhereThereIsNone(t *testing.T) {
	t.Parallel()
	t.Run("below", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, files{"main.go": program, "services/tide/go.mod": "module example.com/tide\n", "vendor/x/go.mod": ""})
		said := usage(t, errorOf(read(t, dir)))
		require.Contains(t, said, "there is no go.mod in "+dir)
		require.Contains(t, said, "there is one in "+filepath.Join(dir, "services", "tide"))
	})
	t.Run("several below", func(t *testing.T) {
		t.Parallel()
		_, err := read(t, folder(t, files{"a/go.mod": "", "b/c/go.mod": ""}))
		require.Contains(t, usage(t, err), "name the folder of one module")
		require.Len(t, detail(t, err), 2)
	})
	t.Run("above, inside the repository", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, files{"go.mod": "module example.com/tide\n", "cmd/tide/main.go": program})
		gitIn(t, dir, "init", "-q")
		said := usage(t, errorOf(read(t, filepath.Join(dir, "cmd", "tide"))))
		require.Contains(t, said, "--src "+dir+" --main ./cmd/tide")
	})
	t.Run("above, outside every repository", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, files{"go.mod": "module example.com/tide\n", "cmd/main.go": program})
		require.Contains(t, usage(t, errorOf(read(t, filepath.Join(dir, "cmd")))), "go mod init")
	})
	t.Run("nowhere", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, usage(t, errorOf(read(t, folder(t, nil)))), "go mod init")
	})
}

func TestRead_NamesTheLineOfAMistake(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ mod, want string }{
		"unknown directive": {"module example.com/tide\n\nprot 1\n", "go.mod:3: unknown directive"},
		"no module line":    {"go 1.26.0\n", "has no module line"},
		"empty":             {"", "has no module line"},
		"path of a flag":    {"module \"-toolexec=evil\"\n", "go.mod:1: the module has no valid path"},
		"path with spaces":  {"module \"a b\"\n", "go.mod:1: the module has no valid path"},
		"escape sequence":   {"module example.com/tide\n\n\x1b[31mred 1\n", "go.mod:3"},
		"two mistakes":      {"module example.com/tide\nx\ny\n", "go.mod:2"},
		"too large":         {"module example.com/tide\n//" + strings.Repeat("x", 17<<20) + "\n", "larger than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, folder(t, files{"go.mod": tt.mod, "main.go": program}))
			require.Contains(t, usage(t, err), tt.want)
		})
	}
}

func TestRead_TakesModuleFilesFromTheTreeOnly(t *testing.T) {
	t.Parallel()
	outside := folder(t, files{"go.mod": "module example.com/elsewhere\n"})
	dir := folder(t, files{"main.go": program})
	require.NoError(t, os.Symlink(filepath.Join(outside, "go.mod"), filepath.Join(dir, "go.mod")))
	require.Contains(t, usage(t, errorOf(read(t, dir))), "leads out of the source tree")

	inside := folder(t, files{"main.go": program, "deploy/go.mod": "module example.com/tide\n"})
	require.NoError(t, os.Symlink(filepath.Join("deploy", "go.mod"), filepath.Join(inside, "go.mod")))
	require.Equal(t, "example.com/tide", mustRead(t, inside).ModulePath)

	asFolder := folder(t, files{"go.mod/x": ""})
	require.Contains(t, usage(t, errorOf(read(t, asFolder))), "not a regular file")
}
