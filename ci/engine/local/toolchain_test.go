package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"
)

// The go command itself adds go.mod files to a release that it has switched to.
func TestHashTree_PassesOverTheCopiesOfTheGoCommandOnly(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	const name = "golang.org/toolchain@v0.0.1-go1.26.9.linux-amd64"
	hash := func() string {
		sum, err := hashTree(root, name)
		require.NoError(t, err)
		return sum
	}
	write("bin/go", "go")
	write("src/_go.mod", "module std\n")
	write("src/cmd/_go.mod", "module cmd\n")
	want, err := dirhash.HashDir(root, name, dirhash.Hash1)
	require.NoError(t, err)
	require.Equal(t, want, hash())

	write("src/go.mod", "module std\n")
	write("src/cmd/go.mod", "module cmd\n")
	require.Equal(t, want, hash())

	write("src/cmd/go.mod", "module evil\n")
	require.NotEqual(t, want, hash())
	require.NoError(t, os.Remove(filepath.Join(root, "src", "cmd", "go.mod")))
	require.Equal(t, want, hash())

	write("src/net/go.mod", "module net\n")
	require.NotEqual(t, want, hash())
}
