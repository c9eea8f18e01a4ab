package rig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// packerSuite is the release of Debian that has UPX: bookworm has none.
const packerSuite = "trixie"

// Pack packs a program with the real UPX and returns what has become of it.
func Pack(t *testing.T, program string) string {
	t.Helper()
	Root(t)
	tree := filepath.Join(t.TempDir(), "tree")
	r := Run(t, "", Environ(), Program(t, "mmdebstrap", "mmdebstrap"), "--quiet", "--variant=extract", "--include=upx-ucl", packerSuite, tree)
	Need(t, r.Code == 0, "fetching upx-ucl of Debian %s: %s", packerSuite, r.Stderr)
	// The packages are only unpacked: their loader and their libraries are not where
	// this machine has its own.
	loaders, err := filepath.Glob(filepath.Join(tree, "usr", "lib*", "ld-linux-*.so.*"))
	require.NoError(t, err)
	libraries, err := filepath.Glob(filepath.Join(tree, "usr", "lib", "*-linux-gnu"))
	require.NoError(t, err)
	require.Len(t, libraries, 1)
	require.NotEmpty(t, loaders)
	file := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o755))
	Must(t, "", Environ(), loaders[0], "--library-path", libraries[0], filepath.Join(tree, "usr", "bin", "upx-ucl"), "--fast", "--quiet", file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Less(t, len(text), len(program)*3/4)
	return string(text)
}
