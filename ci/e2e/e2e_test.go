// Package e2e_test runs the built program against real parts: registries, container
// runtimes and bare machines.
package e2e_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// folder is the package's own; TestMain makes and removes it.
var folder string

// program builds Slipway once for all tests of this package.
var program = sync.OnceValues(func() (string, error) {
	name := filepath.Join(folder, "slipway")
	return name, rig.GoBuild(name, "../../ci")
})

// engines are the Dagger engines of this package.
var engines rig.Engines

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "slipway-e2e-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	defer engines.Stop()
	return m.Run()
}

func slipway(t *testing.T) string {
	t.Helper()
	name, err := program()
	require.NoError(t, err)
	return name
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

// cacheDir is shared by the tests and kept between runs, as a user's is: compiling
// the standard library for each test would take the machine's time.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	require.NoError(t, err)
	return filepath.Join(dir, "slipway-e2e")
}
