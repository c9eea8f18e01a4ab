package source_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/source"
)

func TestHash_IsThatOfNamesAndContents(t *testing.T) {
	t.Parallel()
	tree, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	root := filepath.Join(tree, "svc")
	require.NoError(t, os.MkdirAll(root, 0o755))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	write("a.go", "a")
	write("../b.go", "b")
	hash := func(files ...string) string {
		sum, err := source.Hash(root, tree, files)
		require.NoError(t, err)
		return sum
	}
	first := hash("../b.go", "a.go")
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, first)
	require.NoError(t, os.Chmod(filepath.Join(root, "a.go"), 0o600))
	require.NoError(t, os.Chtimes(filepath.Join(root, "a.go"), time.Unix(1, 0), time.Unix(1, 0)))
	require.Equal(t, first, hash("../b.go", "a.go"), "modes and times do not count")
	write("c.go", "a")
	require.NotEqual(t, hash("a.go"), hash("c.go"), "names count")
	write("a.go", "changed")
	require.NotEqual(t, first, hash("../b.go", "a.go"))
}

func TestHash_FollowsLinksInsideTheTreeOnly(t *testing.T) {
	t.Parallel()
	tree, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(tree, "a.go"), []byte("a"), 0o644))
	require.NoError(t, os.Symlink("a.go", filepath.Join(tree, "in.go")))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(tree, "out.go")))
	_, err = source.Hash(tree, tree, []string{"in.go"})
	require.NoError(t, err)
	for _, name := range []string{"out.go", "."} {
		_, err = source.Hash(tree, tree, []string{name})
		require.Equal(t, fault.Usage, fault.KindOf(err), name)
	}
}
