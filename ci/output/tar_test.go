package output_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/output"
)

func TestTar_IsTheLayoutAndNothingOfThisMachine(t *testing.T) {
	t.Parallel()
	idx := index(t, "content")
	var archives []string
	for _, past := range []time.Duration{0, 24 * time.Hour} {
		dir := filepath.Join(t.TempDir(), "out", "x")
		require.NoError(t, output.Layout(dir, "localhost/x:1", idx))
		when := time.Now().Add(-past)
		require.NoError(t, os.Chtimes(filepath.Join(dir, "index.json"), when, when))
		require.NoError(t, os.Chmod(filepath.Join(dir, "index.json"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".lock"), nil, 0o600))
		file := dir + ".tar"
		require.NoError(t, output.Tar(file, dir))
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		archives = append(archives, string(text))

		unpacked := t.TempDir()
		unpack(t, file, unpacked)
		requireLayout(t, unpacked, idx)
		require.NoFileExists(t, filepath.Join(unpacked, ".lock"))
	}
	require.Equal(t, archives[0], archives[1])
}

func TestTar_LeavesNothingWhereALayoutIsMissing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "image.tar")
	require.ErrorContains(t, output.Tar(file, filepath.Join(t.TempDir(), "missing")), "packing the image layout")
	require.NoFileExists(t, file)
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	for r := tar.NewReader(f); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		name := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			require.NoError(t, os.MkdirAll(name, 0o755))
			continue
		}
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, text, 0o644))
	}
}
