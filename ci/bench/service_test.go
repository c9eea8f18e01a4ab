package main

import (
	"errors"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

func TestMonorepo_IsServicesThatAllImportTheSharedPackage(t *testing.T) {
	t.Parallel()
	s := &service{dir: t.TempDir(), main: "all"}
	require.NoError(t, writeAll(s.dir, rig.Monorepo()))
	require.NoError(t, errors.Join(s.change(line), s.change(shared)))
	mains := 0
	require.NoError(t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		formatted, err := format.Source(text)
		require.NoError(t, err, path)
		require.Equal(t, string(formatted), string(text), path)
		if strings.HasSuffix(path, "main.go") {
			mains++
			require.Contains(t, string(text), "example.com/fleet/internal/all")
		}
		return nil
	}))
	require.Equal(t, rig.Ships, mains)
}

func TestChange_IsNeverTheSameTwice(t *testing.T) {
	t.Parallel()
	s := &service{dir: t.TempDir(), main: "all"}
	require.NoError(t, writeAll(s.dir, rig.Monorepo()))
	state := func(c change) string {
		require.NoError(t, s.change(c))
		var all strings.Builder
		for _, dir := range []string{"internal/all", s.program()} {
			text, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(dir), edited))
			require.True(t, err == nil || errors.Is(err, fs.ErrNotExist), "%v", err)
			all.Write(text)
		}
		return all.String()
	}
	first := state(saved)
	seen := map[string]bool{first: true}
	for _, c := range []change{line, line, shared, shared} {
		now := state(c)
		require.False(t, seen[now])
		require.Equal(t, now, state(nothing))
		seen[now] = true
	}
}

func TestForget_KeepsWhatIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"toolchains/a", "layers/b", "mod/x/toolchain/c", "mod/x/text/d"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, nil, 0o444))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "layers"), 0o555))
	require.NoError(t, forget(dir, "toolchains", "mod/x/toolchain"))
	require.FileExists(t, filepath.Join(dir, "toolchains", "a"))
	require.FileExists(t, filepath.Join(dir, "mod", "x", "toolchain", "c"))
	require.NoDirExists(t, filepath.Join(dir, "layers"))
	require.NoDirExists(t, filepath.Join(dir, "mod", "x", "text"))
	require.NoError(t, forget(dir))
	require.NoDirExists(t, dir)
}

func TestCommit_CommitsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	b := &bench{env: append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull)}
	s := &service{dir: t.TempDir(), main: "all"}
	require.NoError(t, writeAll(s.dir, rig.Monorepo()))
	head := func() string {
		require.NoError(t, b.commit(t.Context(), s.dir))
		text, err := b.output(t.Context(), s.dir, nil, "git", "rev-parse", "HEAD")
		require.NoError(t, err)
		return text
	}
	first := head()
	require.Equal(t, first, head())
	require.NoError(t, s.change(line))
	require.NotEqual(t, first, head())
}
