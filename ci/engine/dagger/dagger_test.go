package dagger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

func prepared(t *testing.T, env ...string) *Engine {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	e := New(Options{Env: env, Cache: t.TempDir(), Where: Where{Host: "unix:///engine.sock?key=k"}})
	_, err = e.Prepare(t.Context(), engine.Source{Root: root, TreeRoot: root}, engine.Builder{Image: plan.Pin{Name: "golang"}}, step.Silent{}.Start(""))
	require.NoError(t, err)
	return e
}

func text(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

// What is staged is exactly what is wanted, and what stays the same is not touched.
func TestStaged_IsExactlyTheWantedFiles(t *testing.T) {
	t.Parallel()
	e := prepared(t)
	past := time.Unix(1, 0)
	var first string
	require.NoError(t, e.staged("a", map[string]func() ([]byte, error){"a.go": text("a"), "old/b.go": text("b"), "dir": text("d")}, func(dir string) error {
		first = dir
		return os.Chtimes(filepath.Join(dir, "a.go"), past, past)
	}))
	require.NoError(t, e.staged("a", map[string]func() ([]byte, error){"a.go": text("a"), "new/c.go": text("c"), "dir/d.go": text("d")}, func(dir string) error {
		require.Equal(t, first, dir)
		var names []string
		require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if !d.IsDir() {
				rel, _ := filepath.Rel(dir, name)
				names = append(names, filepath.ToSlash(rel))
			}
			return err
		}))
		require.Equal(t, []string{"a.go", "dir/d.go", "new/c.go"}, names)
		require.NoDirExists(t, filepath.Join(dir, "old"))
		info, err := os.Stat(filepath.Join(dir, "a.go"))
		require.NoError(t, err)
		require.Equal(t, past, info.ModTime().UTC().Local(), "what is the same is left alone")
		return nil
	}))
	broken := errors.New("broken")
	require.ErrorIs(t, e.staged("a", map[string]func() ([]byte, error){"a.go": func() ([]byte, error) { return nil, broken }}, nil), broken)
}

func TestSourceSet_StaysInTheTree(t *testing.T) {
	t.Parallel()
	e := prepared(t)
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(e.src.Root, "a.go"), []byte("a"), 0o600))
	require.NoError(t, os.Symlink("a.go", filepath.Join(e.src.Root, "in.go")))
	require.NoError(t, os.Symlink(outside, filepath.Join(e.src.Root, "out.go")))
	files, err := e.sourceSet(engine.SourceSet{Files: []string{"in.go", "out.go"}})
	require.NoError(t, err)
	got, err := files["in.go"]()
	require.NoError(t, err)
	require.Equal(t, "a", string(got), "a link's target goes in, not the link")
	_, err = files["out.go"]()
	require.Equal(t, fault.Usage, fault.KindOf(err))
	_, err = e.sourceSet(engine.SourceSet{Files: []string{"../x.go"}})
	require.Equal(t, fault.Usage, fault.KindOf(err))
}

// Where modules come from is the user's choice; what decides bytes is not.
func TestSettings_TakeFromTheUserWhereModulesComeFrom(t *testing.T) {
	t.Parallel()
	config := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(config, "go"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(config, "go", "env"), []byte("GOPRIVATE=written.example\nGONOSUMDB=written.example\nGOFLAGS=-toolexec=evil\n"), 0o600))
	e := prepared(t, "XDG_CONFIG_HOME="+config, "GOPRIVATE=said.example", "GOPROXY=https://proxy.example,direct", "GOAMD64=v3", "GOFLAGS=-v", "HOME=/home/gopher")
	got := e.settings()
	for name, want := range map[string]string{
		"GOPRIVATE": "said.example", "GONOSUMDB": "written.example", "GOPROXY": "https://proxy.example", "GOFLAGS": "", "GOENV": "off",
		"GOTOOLCHAIN": "local", "GOWORK": "off", "HOME": "/root", "GOMODCACHE": "/go/pkg/mod",
	} {
		require.Equal(t, want, got[name], name)
	}
	require.NotContains(t, got, "GOAMD64")
}

// Trouble is told in a sentence that names the engine, without the files that its
// address names.
func TestTrouble_IsOneSentence(t *testing.T) {
	t.Parallel()
	e := prepared(t)
	for said, want := range map[string]string{
		"input: write /x: no space left on device":                  "the disk of the Dagger engine at unix:///engine.sock is full",
		"Post \"http://dagger/query\": EOF":                         "the Dagger engine at unix:///engine.sock went away during the build",
		"Post \"http://dagger/query\": connect: connection refused": "the Dagger engine at unix:///engine.sock went away during the build",
		"something else": "the Dagger engine at unix:///engine.sock failed: something else",
	} {
		err := e.trouble(t.Context(), errors.New(said))
		require.Equal(t, fault.Engine, fault.KindOf(err))
		require.ErrorContains(t, err, want)
		f, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok)
		require.NotEmpty(t, f.Fix)
		require.NotContains(t, err.Error(), "key=k")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.trouble(ctx, errors.New("EOF")), context.Canceled)
	incompatible := unopened(e.where, errors.New("incompatible engine version v0.18.0"))
	require.Equal(t, fault.Engine, fault.KindOf(incompatible))
	require.ErrorContains(t, incompatible, "Slipway needs an engine of v0.21.8 or a compatible one")
}

func TestReachable_RefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for host, kind := range map[string]fault.Kind{
		"http://engine": fault.Usage, "engine": fault.Usage, "unix:// %zz": fault.Usage,
		"tcp://127.0.0.1:1": fault.Engine, "unix:///nowhere": fault.Engine, "kube-pod://x": fault.Engine, "ssh://x": fault.Engine,
	} {
		e := New(Options{Where: Where{Host: host}})
		require.Equal(t, kind, fault.KindOf(e.reachable(t.Context())), host)
	}
	require.NoError(t, New(Options{}).reachable(t.Context()))
}

// Who names an engine gets that one, also inside a session with another.
func TestOpen_PrefersTheNamedEngine(t *testing.T) {
	t.Parallel()
	session := []string{"DAGGER_SESSION_PORT=1", "DAGGER_SESSION_TOKEN=x"}
	_, err := New(Options{Env: session}).open(t.Context())
	require.NoError(t, err)
	_, err = New(Options{Env: session, Where: Where{Host: "unix:///nowhere"}}).open(t.Context())
	require.ErrorContains(t, err, "the Dagger engine at unix:///nowhere does not answer")
}

// A build that is to use nothing of an earlier one has a cache of objects of its own,
// wherever its folder lies.
func TestPrepare_FreshSharesNoObjects(t *testing.T) {
	t.Parallel()
	var names []string
	for range 2 {
		fresh := filepath.Join(t.TempDir(), "again")
		e := New(Options{Cache: t.TempDir()})
		_, err := e.Prepare(t.Context(), engine.Source{Root: t.TempDir()}, engine.Builder{Fresh: fresh}, step.Silent{}.Start(""))
		require.NoError(t, err)
		require.Equal(t, fresh, e.cache)
		require.NotEmpty(t, e.objects)
		names = append(names, e.objects)
	}
	require.NotEqual(t, names[0], names[1])
}
