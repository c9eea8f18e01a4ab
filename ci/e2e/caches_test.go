package e2e_test

import (
	"crypto/rand"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// moonlit is a source that needs the moon, and its proxy.
func moonlit(t *testing.T) (src, proxy string, write func(name, text string)) {
	t.Helper()
	proxy, sum := serveMoon(t)
	src = fixture(t)
	write = func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(src, filepath.FromSlash(name)), []byte(text), 0o644))
	}
	write("go.mod", tree["go.mod"]+"\nrequire example.com/moon v1.0.0\n")
	write("go.sum", sum)
	write("table/table.go", "// Package table knows the tides.\npackage table\n\nimport \"example.com/moon\"\n\n// High is the time of high water.\nfunc High() string { return \"06:12 \" + moon.Pull }\n")
	git(t, src, "add", "--all")
	git(t, src, "commit", "--quiet", "--message=moon")
	return src, proxy, write
}

// compiled lets a runner have what the standard library was compiled to in earlier tests.
// A run that saves caches marks what it uses: nothing else may use them meanwhile.
func compiled(t *testing.T, env []string) {
	t.Helper()
	kept := filepath.Join(cacheDir(t), "go-build")
	require.NoError(t, os.MkdirAll(kept, 0o755))
	require.NoError(t, os.Symlink(kept, filepath.Join(lastOf(env, "SLIPWAY_CACHE"), "go-build")))
}

// carrying builds a source with a cache carried along.
func carrying(t *testing.T, src string, env []string, more ...string) rig.Result {
	t.Helper()
	args := append([]string{"build", "--src", src, "--output", t.TempDir(), "--verbose", "--base", "builtin", "--platform", "linux/amd64"}, more...)
	return rig.Run(t, src, env, slipway(t), args...)
}

func TestCaches_MakeAFreshRunnerWarm(t *testing.T) {
	rig.Slow(t)
	src, proxy, write := moonlit(t)
	store := filepath.Join(t.TempDir(), "cache")
	build := func(env []string, more ...string) rig.Result {
		return carrying(t, src, env, append([]string{"--engine", "local", "--builder", builder}, more...)...)
	}
	_, first := runner(t)
	compiled(t, first)
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

// What the local engine compiled is not compiled again by a Dagger engine that is new, and
// what that one compiled is not by the local engine.
func TestCaches_GoFromEngineToEngine(t *testing.T) {
	rig.Slow(t)
	src, proxy, write := moonlit(t)
	images := rig.NewStandins(t, "0.0.0.0")
	pins := append([]string{"--builder", images.Builder}, images.Mirrors()...)
	there, back := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")
	_, first := runner(t)
	compiled(t, first)
	local := func(env []string, more ...string) rig.Result {
		return carrying(t, src, env, slices.Concat([]string{"--engine", "local"}, pins, more)...)
	}
	made := local(append(first, "GOPROXY="+proxy), "--cache-to", there)
	require.Zero(t, made.Code, "%s", made.Stderr)

	engine := engines.Start(t, slipway(t), rig.EngineOptions{Name: "fresh", Args: images.Mirrors()})
	write("table/more.go", "package table\n\nconst edited = true\n")
	env := slices.Concat(engine.Env, []string{"SLIPWAY_CACHE=" + t.TempDir(), "GOPROXY=off"})
	warm := carrying(t, src, env, slices.Concat([]string{"--engine", "dagger", "--cache-from", there, "--cache-to", back}, pins)...)
	digest := digestOf(t, warm)
	require.Regexp(t, `(?m)\| example\.com/tide/table$`, warm.Stderr, "the edit is compiled")
	require.NotRegexp(t, `(?m)\| (fmt|example\.com/moon)$`, warm.Stderr, "nothing restored is compiled")
	require.Regexp(t, `(?m)^save cache +done .* of them new`, warm.Stderr)

	_, second := runner(t)
	again := local(append(second, "GOPROXY=off"), "--cache-from", back)
	require.Equal(t, digest, digestOf(t, again), "restored caches change no byte")
	require.NotRegexp(t, `(?m)\| (fmt|example\.com/\S+)$`, again.Stderr, "nothing restored is compiled")
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
