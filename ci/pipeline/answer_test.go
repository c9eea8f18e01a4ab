package pipeline_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
)

// answering is a service whose builds may be answered, in a repository of its own.
type answering struct {
	*pipeline.Pipeline
	f    *fake
	told *notes
	said config.Settings
	// engines is how many engines were chosen.
	engines int
}

func newAnswering(t *testing.T) *answering {
	t.Helper()
	a := &answering{f: &fake{unset: []string{"main.flag"}}}
	a.Pipeline, a.told = service(t, a.f, map[string]string{
		"go.sum": "", "data.txt": "one", ".gitignore": "ignored.txt\n", "ignored.txt": "one", ".hidden": "one",
	})
	a.Answer, a.Program = true, func() (string, error) { return "one", nil }
	a.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	a.Engine = func(context.Context, plan.Run) (engine.Engine, string, error) {
		a.engines++
		return a.f, "", nil
	}
	for name, text := range map[string]string{"vendor/modules.txt": "one", "sub/sub.go": "package sub\n", "testdata/a": "one"} {
		a.write(t, name, text)
	}
	require.NoError(t, os.Symlink("data.txt", a.in("link.txt")))
	return a
}

func (a *answering) in(name string) string {
	return filepath.Join(a.Dir, filepath.FromSlash(name))
}

func (a *answering) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(a.in(name)), 0o755))
	require.NoError(t, os.WriteFile(a.in(name), []byte(text), 0o644))
}

// build builds and tells whether an engine was needed for it.
func (a *answering) build(t *testing.T) (built *pipeline.Built, asked bool) {
	t.Helper()
	before := a.engines
	built, err := a.Build(t.Context(), a.all)
	require.NoError(t, err)
	require.NotEmpty(t, built.Images)
	return built, a.engines > before
}

func (a *answering) all(f *config.File) (*config.Said, error) {
	all, err := file(f)
	if err != nil {
		return nil, err
	}
	s := a.said
	all.Main, all.Platform, all.Version, all.Set, all.Engine = s.Main, s.Platform, s.Version, s.Set, s.Engine
	all.CacheFrom, all.CacheTo, all.Output, all.Mirror, all.AllowExec = s.CacheFrom, s.CacheTo, s.Output, s.Mirror, s.AllowExec
	return all, nil
}

// One thing changes after a good build, and the next one is a build again, or has nothing
// to do.
func TestBuild_AnswersWhileNothingChanges(t *testing.T) {
	t.Parallel()
	write := func(name, text string) func(*testing.T, *answering) {
		return func(t *testing.T, a *answering) { a.write(t, name, text) }
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *answering)
		built  bool
	}{
		"nothing":             {func(*testing.T, *answering) {}, false},
		"a Go file":           {write("main.go", "package main\n\nfunc main() { println() }\n"), true},
		"a package's file":    {write("sub/sub.go", "package sub\n\nvar V int\n"), true},
		"a new file":          {write("new.go", "package main\n"), true},
		"go.mod":              {write("go.mod", "module example.com/tide\n\ngo 1.25.1\n"), true},
		"a comment in go.mod": {write("go.mod", "module example.com/tide // tide\n\ngo 1.25.0\n"), true},
		"go.sum":              {write("go.sum", "example.com/moon v1.0.0 h1:x\n"), true},
		"a workspace":         {write("go.work", "go 1.25.0\n\nuse .\n"), true},
		"an embedded file":    {write("data.txt", "two"), true},
		"an ignored file":     {write("ignored.txt", "two"), true},
		"a hidden file":       {write(".hidden", "two"), true},
		"test data":           {write("testdata/a", "two"), true},
		"vendor":              {write("vendor/modules.txt", "two"), true},
		"a profile":           {write("default.pgo", "two"), true},
		"the configuration":   {write(".slipway.yaml", "base: builtin\nport: [\"8080\"]\n"), true},
		"a line of it":        {write(".slipway.yaml", "base: builtin\n# two\n"), true},
		"the pins": {write("Dockerfile", "# slipway:pins\nFROM golang:1.26.9-alpine@sha256:"+strings.Repeat("a", 64)+" AS build\nFROM gcr.io/distroless/static:nonroot@sha256:"+
			strings.Repeat("b", 64)+"\n"), true},
		"a file that goes": {func(t *testing.T, a *answering) { require.NoError(t, os.Remove(a.in("ignored.txt"))) }, true},
		"a name": {func(t *testing.T, a *answering) {
			require.NoError(t, os.Rename(a.in("ignored.txt"), a.in("other.txt")))
		}, true},
		"an x-bit": {func(t *testing.T, a *answering) { require.NoError(t, os.Chmod(a.in("data.txt"), 0o755)) }, true},
		"a link": {func(t *testing.T, a *answering) {
			require.NoError(t, os.Remove(a.in("link.txt")))
			require.NoError(t, os.Symlink("./data.txt", a.in("link.txt")))
		}, true},
		"a copy for a link": {func(t *testing.T, a *answering) {
			require.NoError(t, os.Remove(a.in("link.txt")))
			a.write(t, "link.txt", "one")
		}, true},
		"a platform":     {func(_ *testing.T, a *answering) { a.said.Platform = []string{"linux/amd64"} }, true},
		"the version":    {func(_ *testing.T, a *answering) { a.said.Version = "v1.0.0" }, true},
		"a variable":     {func(_ *testing.T, a *answering) { a.said.Set = map[string]string{"main.other": "x"} }, true},
		"the engine":     {func(_ *testing.T, a *answering) { a.said.Engine = "local" }, true},
		"flags of Go":    {func(_ *testing.T, a *answering) { a.Env = append(a.Env, "GOFLAGS=-toolexec=x") }, true},
		"Slipway itself": {func(_ *testing.T, a *answering) { a.Program = func() (string, error) { return "two", nil } }, true},
		"no Slipway": {func(_ *testing.T, a *answering) {
			a.Program = func() (string, error) { return "", os.ErrNotExist }
		}, true},
		"the cache folder": {func(t *testing.T, a *answering) { a.Cache = t.TempDir() }, true},
		"a layer that is gone": {func(t *testing.T, a *answering) {
			require.NoError(t, os.RemoveAll(filepath.Join(a.Cache, "layers")))
		}, true},
		"the source folder": {func(t *testing.T, a *answering) {
			other := filepath.Join(t.TempDir(), filepath.Base(a.Dir))
			require.NoError(t, os.CopyFS(other, os.DirFS(a.Dir)))
			a.Dir = other
		}, true},
		"a fresh build":        {func(t *testing.T, a *answering) { a.Fresh = t.TempDir() }, true},
		"no answers":           {func(_ *testing.T, a *answering) { a.Answer = false }, true},
		"times":                {func(t *testing.T, a *answering) { write("data.txt", "one")(t, a) }, false},
		"the output":           {func(_ *testing.T, a *answering) { a.said.Output = "elsewhere" }, false},
		"a mirror":             {func(_ *testing.T, a *answering) { a.said.Mirror = map[string]string{"docker.io": "localhost:1"} }, false},
		"what lies in .git":    {write(".git/index", "two"), false},
		"the group's x-bit":    {func(t *testing.T, a *answering) { require.NoError(t, os.Chmod(a.in("data.txt"), 0o654)) }, false},
		"what Slipway has put": {func(t *testing.T, a *answering) { a.write(t, ".slipway/tide/index.json", "two") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAnswering(t)
			require.NoError(t, os.Mkdir(a.in(".git"), 0o755))
			a.Env[0] = "PATH=" + t.TempDir() // no git: the folder is not a whole repository
			a.said.Output, a.said.Set = a.in(".slipway"), map[string]string{"main.flag": "x"}
			first, asked := a.build(t)
			require.True(t, asked)
			c.change(t, a)
			a.told.text = nil
			second, asked := a.build(t)
			require.Equal(t, c.built, asked)
			if !c.built {
				require.Equal(t, first.Images[0].Index.Digest, second.Images[0].Index.Digest)
				require.Equal(t, first.Images[0].Plan, second.Images[0].Plan)
				require.Equal(t, first.Plan.Images, second.Plan.Images)
				require.Contains(t, a.told.text, "set main.flag names no string variable of the program, so it does nothing")
			}
		})
	}
}

func TestBuild_AnswersWithWhatDiffersFromTheCommit(t *testing.T) {
	t.Parallel()
	a := newAnswering(t)
	a.commit(t)
	clean, _ := a.build(t)
	a.write(t, "main.go", "package main\n\nfunc main() { println() }\n")
	first, asked := a.build(t)
	require.True(t, asked)
	second, asked := a.build(t)
	require.False(t, asked)
	require.True(t, second.Images[0].Plan.Dirty)
	require.Equal(t, first.Plan.Run, second.Plan.Run, "tags follow from the version, which is that of no commit")
	require.Equal(t, first.Images[0].Plan, second.Images[0].Plan)
	runGit(t, a.Dir, "checkout", "--quiet", "main.go")
	third, asked := a.build(t)
	require.False(t, asked)
	require.Equal(t, clean.Images[0].Index.Digest, third.Images[0].Index.Digest)
}

// What is not certain is built each time.
func TestBuild_AnswersNothingThatIsNotCertain(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, *answering){
		"a command before the build": func(t *testing.T, a *answering) {
			a.write(t, ".slipway.yaml", "base: builtin\npre-build: [[generate]]\n")
			a.said.AllowExec = true
		},
		"a link to a folder outside": func(t *testing.T, a *answering) { require.NoError(t, os.Symlink(t.TempDir(), a.in("linked"))) },
		"a link into .git": func(t *testing.T, a *answering) {
			require.NoError(t, os.MkdirAll(a.in(".git/modules"), 0o755))
			require.NoError(t, os.Symlink(".git/modules", a.in("linked")))
			a.Env[0] = "PATH=" + t.TempDir()
		},
		"a file that changes meanwhile": func(t *testing.T, a *answering) {
			n := 0
			a.f.during = func(u engine.Target) error {
				if u.Platform.Arch == "arm64" {
					return nil
				}
				n++
				return os.WriteFile(a.in("data.txt"), []byte(strings.Repeat("x", n)), 0o644)
			}
		},
		"a source in a folder that is passed over": func(t *testing.T, a *answering) {
			a.write(t, ".git/main.go", "package main\n")
			a.Env[0] = "PATH=" + t.TempDir()
			a.f.sources = []string{".git/main.go"}
		},
		"a source in the output folder": func(t *testing.T, a *answering) {
			a.write(t, ".slipway/data.txt", "one")
			a.said.Output = a.in(".slipway")
			a.f.sources = []string{".slipway/data.txt"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAnswering(t)
			prepare(t, a)
			for range 3 {
				_, asked := a.build(t)
				require.True(t, asked)
			}
		})
	}
}

// A module beside the source folder is read as the source is.
func TestBuild_FollowsReplacedModules(t *testing.T) {
	t.Parallel()
	a := newAnswering(t)
	require.NoError(t, os.Mkdir(a.in(".git"), 0o755))
	a.Env[0] = "PATH=" + t.TempDir()
	a.write(t, "svc/go.mod", "module example.com/svc\n\ngo 1.25.0\n\nrequire example.com/moon v0.0.0\n\nreplace example.com/moon => ../moon\n")
	a.write(t, "svc/main.go", "package main\n\nfunc main() {}\n")
	a.write(t, "svc/.slipway.yaml", "base: builtin\n")
	a.write(t, "moon/go.mod", "module example.com/moon\n")
	a.write(t, "moon/moon.go", "package moon\n")
	top := a.Dir
	a.Dir = filepath.Join(top, "svc")
	a.f.sources = []string{"main.go", "../moon/moon.go"}
	a.build(t)
	require.NoError(t, os.WriteFile(filepath.Join(top, "data.txt"), []byte("two"), 0o644))
	_, asked := a.build(t)
	require.False(t, asked, "no module has that file")
	require.NoError(t, os.WriteFile(filepath.Join(top, "moon", "moon.go"), []byte("package moon\n\nvar M int\n"), 0o644))
	_, asked = a.build(t)
	require.True(t, asked)

	a.write(t, "go.mod", "module example.com/svc\n\ngo 1.25.0\n\nreplace example.com/moon => ../../../moon\n")
	_, err := a.Build(t.Context(), a.all)
	require.Equal(t, fault.Usage, fault.KindOf(err), "one outside the repository stays refused")
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// elsewhere is the same source on a machine that has nothing.
func (a *answering) elsewhere(t *testing.T) *answering {
	t.Helper()
	b := newAnswering(t)
	require.NoError(t, os.RemoveAll(b.Dir))
	require.NoError(t, os.CopyFS(b.Dir, os.DirFS(a.Dir)))
	return b
}

func TestBuild_AnswersOnAFreshMachine(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	a := newAnswering(t)
	a.said.CacheTo = store
	first, _ := a.build(t)
	a.said.CacheFrom = store

	b := a.elsewhere(t)
	b.said.CacheFrom = store
	for range 2 {
		built, asked := b.build(t)
		require.False(t, asked)
		require.Equal(t, first.Images[0].Index.Digest, built.Images[0].Index.Digest)
		require.Equal(t, first.Images[0].Plan, built.Images[0].Plan)
		require.Len(t, built.Images[0].Index.Images, 2)
	}
	b.said.CacheFrom = ""
	_, asked := b.build(t)
	require.True(t, asked, "what came from elsewhere answers for nothing else")
	b.write(t, "data.txt", "two")
	b.said.CacheFrom = store
	_, asked = b.build(t)
	require.True(t, asked)
}

// Every image of a run is answered, for every platform of its base.
func TestBuild_AnswersForAllImages(t *testing.T) {
	t.Parallel()
	a := newAnswering(t)
	a.write(t, "cmd/ebb/main.go", "package main\n\nfunc main() {}\n")
	a.write(t, "cmd/flow/main.go", "package main\n\nfunc main() {}\n")
	a.said.Main, a.said.Platform, a.said.CacheTo = []string{"all"}, []string{"all"}, t.TempDir()
	first, asked := a.build(t)
	require.True(t, asked)
	require.Len(t, first.Images, 3)
	second, asked := a.build(t)
	require.False(t, asked)
	b := a.elsewhere(t)
	b.said = a.said
	b.said.CacheFrom, b.said.CacheTo = a.said.CacheTo, ""
	third, asked := b.build(t)
	require.False(t, asked)
	for i, made := range first.Images {
		require.Len(t, made.Plan.Platforms, 6)
		for _, other := range []pipeline.Image{second.Images[i], third.Images[i]} {
			require.Equal(t, made.Plan, other.Plan)
			require.Equal(t, made.Index.Digest, other.Index.Digest)
			require.Len(t, other.Index.Images, 6)
		}
	}
}

// Whatever is damaged or of something else is no answer.
func TestBuild_DoesWithoutADamagedAnswer(t *testing.T) {
	t.Parallel()
	blobs := func(store string) []string {
		list, err := filepath.Glob(filepath.Join(store, "blobs", "sha256", "*"))
		require.NoError(t, err)
		return list
	}
	for name, damage := range map[string]func(t *testing.T, store string){
		"all is changed": func(t *testing.T, store string) {
			for _, name := range blobs(store) {
				text, err := os.ReadFile(name)
				require.NoError(t, err)
				text[len(text)/2] ^= 1
				require.NoError(t, os.WriteFile(name, text, 0o644))
			}
		},
		"all is gone": func(t *testing.T, store string) {
			for _, name := range blobs(store) {
				require.NoError(t, os.Remove(name))
			}
		},
		"the largest is gone": func(t *testing.T, store string) {
			largest := slices.MaxFunc(blobs(store), func(a, b string) int {
				x, _ := os.Stat(a)
				y, _ := os.Stat(b)
				return int(x.Size() - y.Size())
			})
			require.NoError(t, os.Remove(largest))
		},
		"there is nothing": func(t *testing.T, store string) { require.NoError(t, os.RemoveAll(store)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := filepath.Join(t.TempDir(), "cache")
			a := newAnswering(t)
			a.said.CacheTo = store
			first, _ := a.build(t)
			damage(t, store)
			b := a.elsewhere(t)
			b.said.CacheFrom = store
			built, asked := b.build(t)
			require.True(t, asked)
			require.Equal(t, first.Images[0].Index.Digest, built.Images[0].Index.Digest)
		})
	}
}

// Only what everybody could build from a commit is for others, and only from those who may
// fill the cache.
func TestBuild_CarriesOnlyWhatIsForOthers(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "cache")
	a := newAnswering(t)
	a.said.CacheTo = store
	a.Env = append(a.Env, "GITHUB_EVENT_NAME=pull_request")
	a.build(t)
	require.NoDirExists(t, store)

	a.Env = a.Env[:2]
	a.commit(t)
	a.write(t, "main.go", "package main\n\nfunc main() { println() }\n")
	a.build(t)
	require.NoDirExists(t, store)
	runGit(t, a.Dir, "checkout", "--quiet", "main.go")
	a.build(t)
	require.DirExists(t, store)
}

// commit makes a repository of the source, with one commit.
func (a *answering) commit(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=one"}} {
		runGit(t, a.Dir, args...)
	}
}

// What is judged and published is built, whatever a cache says.
func TestCheck_TakesNoAnswer(t *testing.T) {
	t.Parallel()
	a := newAnswering(t)
	a.said.CacheTo = t.TempDir()
	a.build(t)
	a.Answer = true
	before := a.engines
	a.said.CacheTo = ""
	_, err := a.Check(t.Context(), a.all, pipeline.Checks{Gates: []string{"size"}})
	require.NoError(t, err)
	require.Greater(t, a.engines, before)
}

func TestRebuild_TakesNoAnswer(t *testing.T) {
	t.Parallel()
	a := newAnswering(t)
	built, _ := a.build(t)
	before := a.engines
	_, err := a.Rebuild(t.Context(), a.all, built.Images[0].Plan)
	require.NoError(t, err)
	require.Greater(t, a.engines, before)
}
