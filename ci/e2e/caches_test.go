package e2e_test

import (
	"crypto/rand"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	gomodule "golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"

	"example.com/slipway/ci/e2e/rig"
)

// moon is a module that the service of this test needs in part.
var moon = map[string]string{
	"go.mod":           "module example.com/moon\n\ngo 1.25.0\n",
	"moon.go":          "// Package moon pulls.\npackage moon\n\nimport _ \"embed\"\n\n//go:embed data/pull.txt\nvar Pull string\n",
	"phase/phase.go":   "// Package phase is not needed at first.\npackage phase\n\n// New is a phase.\nconst New = \"new\"\n",
	"unused/unused.go": "package unused\n",
}

// serveMoon makes a module proxy of files, and returns it with the module's go.sum.
func serveMoon(t *testing.T) (proxy, sum string) {
	t.Helper()
	source, proxy := t.TempDir(), t.TempDir()
	files := maps.Clone(moon)
	files["data/pull.txt"] = rand.Text() // so that nobody has compiled it yet
	for name, text := range files {
		file := filepath.Join(source, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	dir := filepath.Join(proxy, "example.com", "moon", "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for name, text := range map[string]string{"list": "v1.0.0\n", "v1.0.0.info": `{"Version":"v1.0.0"}`, "v1.0.0.mod": moon["go.mod"]} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	archive, err := os.Create(filepath.Join(dir, "v1.0.0.zip"))
	require.NoError(t, err)
	require.NoError(t, zip.CreateFromDir(archive, gomodule.Version{Path: "example.com/moon", Version: "v1.0.0"}, source))
	require.NoError(t, archive.Close())
	whole, err := dirhash.HashZip(archive.Name(), dirhash.Hash1)
	require.NoError(t, err)
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(moon["go.mod"])), nil
	})
	require.NoError(t, err)
	return "file://" + filepath.ToSlash(proxy), "example.com/moon v1.0.0 " + whole + "\nexample.com/moon v1.0.0/go.mod " + mod + "\n"
}

// runner is a machine of its own: with the pinned Go release, and nothing else.
func runner(t *testing.T) (modules string, env []string) {
	t.Helper()
	modules = t.TempDir()
	t.Cleanup(func() { rig.Run(t, "", rig.Environ(), "chmod", "-R", "u+w", modules) })
	theirs := strings.TrimSpace(rig.Must(t, "", rig.Environ(), "go", "env", "GOMODCACHE"))
	require.NoError(t, os.MkdirAll(filepath.Join(modules, "cache", "download"), 0o755))
	for _, name := range []string{"golang.org", "cache/download/golang.org", "cache/download/sumdb"} {
		require.NoError(t, os.Symlink(filepath.Join(theirs, name), filepath.Join(modules, filepath.FromSlash(name))))
	}
	return modules, append(rig.Environ(), "GOMODCACHE="+modules, "SLIPWAY_CACHE="+t.TempDir(), "GONOSUMDB=example.com")
}

func TestCaches_MakeAFreshRunnerWarm(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	proxy, sum := serveMoon(t)
	src, store := fixture(t), filepath.Join(t.TempDir(), "cache")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(src, filepath.FromSlash(name)), []byte(text), 0o644))
	}
	write("go.mod", tree["go.mod"]+"\nrequire example.com/moon v1.0.0\n")
	write("go.sum", sum)
	write("table/table.go", "// Package table knows the tides.\npackage table\n\nimport \"example.com/moon\"\n\n// High is the time of high water.\nfunc High() string { return \"06:12 \" + moon.Pull }\n")
	git(t, src, "add", "--all")
	git(t, src, "commit", "--quiet", "--message=moon")
	build := func(env []string, more ...string) rig.Result {
		args := append([]string{"build", "--src", src, "--output", t.TempDir(), "--engine", "local", "--verbose",
			"--base", "builtin", "--builder", builder, "--platform", "linux/amd64"}, more...)
		return rig.Run(t, src, env, slipway(t), args...)
	}
	_, first := runner(t)
	// What the standard library was compiled to in earlier tests is not compiled again.
	compiled := filepath.Join(cacheDir(t), "go-build")
	require.NoError(t, os.MkdirAll(compiled, 0o755))
	require.NoError(t, os.Symlink(compiled, filepath.Join(lastOf(first, "SLIPWAY_CACHE"), "go-build")))
	want := build(append(first, "GOPROXY="+proxy), "--cache-from", store, "--cache-to", store)
	digest := digestOf(t, want)
	require.Contains(t, want.Stderr, "has none yet")
	require.Regexp(t, `(?m)\| example\.com/moon$`, want.Stderr)

	modules, second := runner(t)
	unchanged := build(append(second, "GOPROXY=off"), "--cache-from", store)
	require.Equal(t, digest, digestOf(t, unchanged))
	require.Regexp(t, `(?m)^record +cached .*unchanged since .*, answered from `, unchanged.Stderr)
	require.NotContains(t, unchanged.Stderr, "toolchain")
	warm := build(append(second, "GOPROXY=off"), "--cache-from", store, "--cache-to", store, "--no-record")
	require.Equal(t, digest, digestOf(t, warm), "restored caches change no byte")
	require.NoDirExists(t, filepath.Join(modules, "example.com"), "nothing of the user's is touched")
	require.NotRegexp(t, `(?m)\| (fmt|example\.com/moon)$`, warm.Stderr, "nothing restored is compiled")
	require.Regexp(t, `(?m)^save cache +done .*not saved: little is new`, warm.Stderr)

	// What go.sum has and the program did not need is no longer a matter of the cache.
	write("table/more.go", "package table\n\nimport \"example.com/moon/phase\"\n\nfunc init() { _ = phase.New }\n")
	more := build(append(second, "GOPROXY="+proxy), "--cache-from", store)
	require.Zero(t, more.Code, "%s", more.Stderr)
	require.Contains(t, more.Stderr, "note: the restored modules are not all that the program needs")
	require.DirExists(t, filepath.Join(modules, "example.com", "moon@v1.0.0", "unused"))
}

// lastOf is the value of a variable that is set last.
func lastOf(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(env[i], name+"="); ok {
			return value
		}
	}
	return ""
}
