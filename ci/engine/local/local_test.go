package local_test

import (
	"context"
	"crypto/rand"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

const release = "go1.26.9"

var amd64 = plan.Platform{OS: "linux", Arch: "amd64"}

// prepared makes an engine for a folder of files. Its cache is shared with the other
// tests that compile, since a cold one costs a minute.
func prepared(t *testing.T, files map[string]string, src engine.Source) *local.Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: compiles with the pinned release")
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	for name, text := range files {
		file := filepath.Join(src.Root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	env := []string{}
	for _, kv := range os.Environ() {
		if len(kv) < 8 || kv[:8] != "GOFLAGS=" {
			env = append(env, kv)
		}
	}
	if src.TreeRoot == "" {
		src.TreeRoot = src.Root
	}
	e := local.New(local.Options{Env: env, Cache: filepath.Join(cache, "slipway-e2e")})
	chain, err := e.Prepare(t.Context(), src, engine.Builder{Release: release}, step.Silent{}.Start(""))
	require.NoError(t, err)
	require.Equal(t, release, chain.Release)
	require.Regexp(t, `^h1:[A-Za-z0-9+/]{43}=$`, chain.Sum)
	return e
}

func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

func target(platform plan.Platform, dirs ...string) engine.Target {
	t := engine.Target{Platform: platform, Build: plan.Build{Strip: "full"}}
	for _, dir := range dirs {
		t.Mains = append(t.Mains, plan.Main{Dir: dir, Name: filepath.Base(dir)})
	}
	return t
}

// sources are those of one target.
func sources(t *testing.T, e *local.Engine, one engine.Target) (engine.SourceSet, error) {
	t.Helper()
	sets, err := e.Sources(t.Context(), one)
	if err != nil {
		return engine.SourceSet{}, err
	}
	require.Len(t, sets, 1)
	return sets[0], nil
}

var service = map[string]string{
	"go.mod":                 "module example.com/tide\n\ngo 1.25.0\n",
	"cmd/tide/main.go":       "package main\n\nimport (\n\t_ \"embed\"\n\n\t\"example.com/tide/table\"\n)\n\nvar version string\nvar count int\nvar title text\nvar made = func() string { return \"\" }()\n\n//go:embed banner.txt\nvar banner string\n\ntype text = string\n\nfunc main() { println(banner, version, count, title, made, table.Place) }\n",
	"cmd/tide/banner.txt":    "tide\n",
	"cmd/tide/default.pgo":   "",
	"cmd/tide/main_test.go":  "package main\n",
	"table/table.go":         "// Package table is a part of it.\npackage table\n\n// Place is set by the linker.\nvar Place = \"here\"\n",
	"table/table_arm64.go":   "package table\n",
	"table/table_windows.go": "package table\n",
	"table/add_amd64.s":      "\n",
	"table/table_test.go":    "package table\n",
	"unused/unused.go":       "package unused\n",
	"README.md":              "tide\n",
}

func TestSources_AreWhatTheProgramNeeds(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for name, text := range service {
		files[name] = text
	}
	delete(files, "cmd/tide/default.pgo")
	root := folder(t)
	e := prepared(t, files, engine.Source{Root: root, ModuleFolders: []string{root}})
	set, err := sources(t, e, target(amd64, "./cmd/tide"))
	require.NoError(t, err)
	require.Equal(t, []string{"cmd/tide/banner.txt", "cmd/tide/main.go", "go.mod", "table/add_amd64.s", "table/table.go"}, set.Files)
	set, err = sources(t, e, target(plan.Platform{OS: "linux", Arch: "arm64"}, "./cmd/tide"))
	require.NoError(t, err)
	require.Equal(t, []string{"cmd/tide/banner.txt", "cmd/tide/main.go", "go.mod", "table/table.go", "table/table_arm64.go"}, set.Files)
}

func TestSources_ReachModulesBesideTheSource(t *testing.T) {
	t.Parallel()
	top := folder(t)
	root := filepath.Join(top, "svc")
	files := map[string]string{
		"go.mod":         "module example.com/svc\n\ngo 1.25.0\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n",
		"main.go":        "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
		"../lib/go.mod":  "module example.com/lib\n\ngo 1.25.0\n",
		"../lib/lib.go":  "// Package lib is beside it.\npackage lib\n",
		"../lib/more.md": "not source\n",
	}
	e := prepared(t, files, engine.Source{Root: root, TreeRoot: top, ModuleFolders: []string{root, filepath.Join(top, "lib")}})
	set, err := sources(t, e, target(amd64, "."))
	require.NoError(t, err)
	require.Equal(t, []string{"../lib/go.mod", "../lib/lib.go", "go.mod", "main.go"}, set.Files)
}

func TestSources_NameTheSettingsThatFindNoVariable(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for name, text := range service {
		files[name] = text
	}
	delete(files, "cmd/tide/default.pgo")
	root := folder(t)
	e := prepared(t, files, engine.Source{Root: root, ModuleFolders: []string{root}})
	one := target(amd64, "./cmd/tide")
	for _, name := range []string{"main.version", "main.count", "main.made", "main.title", "main.absent", "example.com/tide/table.Place", "example.com/tide/table.place", "example.com/tide/unused.X"} {
		one.Build.Vars = append(one.Build.Vars, plan.Var{Name: name, Value: "x"})
	}
	set, err := sources(t, e, one)
	require.NoError(t, err)
	require.Equal(t, []string{"example.com/tide/table.place", "example.com/tide/unused.X", "main.absent", "main.count", "main.made", "main.title"}, set.Unset)
	require.Equal(t, []string{"example.com/tide/table.place", "example.com/tide/unused.X", "main.absent"}, set.Absent)
}

func TestBuild_CarriesSettingsVerbatimAndIsKept(t *testing.T) {
	t.Parallel()
	root := folder(t)
	e := prepared(t, map[string]string{
		"go.mod":  "module example.com/tide\n\ngo 1.25.0\n",
		"main.go": "package main\n\nvar version string\n\nfunc main() { print(version) }\n",
	}, engine.Source{Root: root, ModuleFolders: []string{root}})
	const value = `x -extld=evil "quoted" $HOME`
	one := target(amd64, ".")
	one.Mains[0].Name = "tide"
	one.Build.Vars = []plan.Var{{Name: "main.version", Value: value}}
	// The cache is kept between runs of the test.
	one.Key = "sha256:" + rand.Text()
	for _, cached := range []bool{false, true} {
		got, err := e.Build(t.Context(), one, engine.SourceSet{}, step.Silent{}.Start(""))
		require.NoError(t, err)
		require.Equal(t, cached, got.Cached)
		text, err := os.ReadFile(got.Binaries[0].File)
		require.NoError(t, err)
		require.Contains(t, string(text), value)
		info, err := buildinfo.ReadFile(got.Binaries[0].File)
		require.NoError(t, err)
		require.Equal(t, release, info.GoVersion)
	}
	// Other bytes in the cache are no result.
	got, err := e.Build(t.Context(), one, engine.SourceSet{}, step.Silent{}.Start(""))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(got.Binaries[0].File, []byte("other"), 0o755))
	got, err = e.Build(t.Context(), one, engine.SourceSet{}, step.Silent{}.Start(""))
	require.NoError(t, err)
	require.False(t, got.Cached)
}

func TestBuild_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	root := folder(t)
	e := prepared(t, map[string]string{"go.mod": "module example.com/tide\n", "main.go": "package main\n\nfunc main() {}\n"}, engine.Source{Root: root})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Build(ctx, target(amd64, "."), engine.SourceSet{}, step.Silent{}.Start(""))
	require.ErrorIs(t, err, context.Canceled)
}

func TestPrepare_SaysThatAReleaseCannotBeHad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: asks the module proxy")
	}
	e := local.New(local.Options{Env: append(os.Environ(), "GOFLAGS=", "GOPROXY=off"), Cache: t.TempDir()})
	_, err := e.Prepare(t.Context(), engine.Source{Root: t.TempDir()}, engine.Builder{Release: "go1.26.0-rc99"}, step.Silent{}.Start(""))
	require.Equal(t, fault.Engine, fault.KindOf(err))
	require.ErrorContains(t, err, "getting go1.26.0-rc99")
}
