//go:build unix

package local

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
)

// Each command has a copy of its own, with the times that the go command knows results by,
// and without what is not for tests.
func TestCopyTree_IsEachCommandsOwn(t *testing.T) {
	t.Parallel()
	src := t.TempDir()
	at := time.Unix(1700000000, 0)
	for name, mode := range map[string]os.FileMode{
		"go.mod": 0o644, "run.sh": 0o755, "data/tide.txt": 0o444, "secret.env": 0o600,
		".git/config": 0o644, "sub/.git": 0o644, ".slipway/report/index.html": 0o644, "kept/.slipway/x": 0o644, "modules/m.go": 0o644, "closed/x": 0o644,
	} {
		file := filepath.Join(src, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(name), mode))
		require.NoError(t, os.Chmod(file, mode))
		require.NoError(t, os.Chtimes(file, at, at))
	}
	require.NoError(t, os.Chmod(filepath.Join(src, "closed"), 0o700))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(src, "out")))
	require.NoError(t, os.Chtimes(filepath.Join(src, "data"), at, at))
	b := boxed(t)
	b.user, b.apart = os.Getuid(), true
	if b.user == 0 {
		b.user = nobody
	}
	b.e.goCommand.Source, b.e.goCommand.Modules = engine.Source{TreeRoot: src}, filepath.Join(src, "modules")
	require.NoError(t, b.copyTree())
	first := b.copied
	var names []string
	require.NoError(t, filepath.WalkDir(first, func(name string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(first, name)
			require.NoError(t, err)
			names = append(names, rel)
			copied, original := stat(t, name), stat(t, filepath.Join(src, rel))
			require.Equal(t, original.Mode(), copied.Mode(), rel)
			require.Equal(t, original.ModTime(), copied.ModTime(), rel)
		}
		return nil
	}))
	require.Equal(t, []string{"data/tide.txt", "go.mod", "kept/.slipway/x", "run.sh", "secret.env"}, names, "nobody else enters the closed folder")
	require.Equal(t, os.ModeDir|0o700, stat(t, filepath.Join(first, "closed")).Mode())
	require.Equal(t, at, stat(t, filepath.Join(first, "data")).ModTime())
	to, err := os.Readlink(filepath.Join(first, "out"))
	require.NoError(t, err)
	require.Equal(t, "/etc/passwd", to)

	require.NoError(t, os.WriteFile(filepath.Join(first, "new.txt"), nil, 0o600))
	require.NoError(t, b.renew())
	require.NoError(t, b.copyTree())
	require.NoDirExists(t, first)
	require.FileExists(t, filepath.Join(b.copied, "go.mod"))
	require.NoFileExists(t, filepath.Join(b.copied, "new.txt"))
	require.NoFileExists(t, filepath.Join(src, "new.txt"))
}

func stat(t *testing.T, name string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(name)
	require.NoError(t, err)
	return info
}
