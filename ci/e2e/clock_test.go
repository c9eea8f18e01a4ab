package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// clocked is Slipway with a clock that rig.Clock moves.
var clocked = sync.OnceValues(func() (string, error) {
	name := filepath.Join(folder, "clocked")
	return name, rig.BuildClocked(name, "../../ci")
})

// decades is how far off a clock is: back it is that of a machine without a battery.
const decades = 22 * 8766 * time.Hour

// The date of the machine is in no byte of an image.
func TestClock_IsInNoImage(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	moved, err := clocked()
	require.NoError(t, err)
	sample := filepath.Join(t.TempDir(), "slipway")
	checkout(t, sample)
	for name, src := range map[string]string{"the sample": sample, "a service of others": foreign(t, "github.com/rakyll/hey").source(t)} {
		t.Run(name, func(t *testing.T) {
			// Check leaves a receipt, which has the date.
			check := func(program string, env ...string) (digest, out string) {
				out = t.TempDir()
				return digestOf(t, rig.Run(t, "", environment(t, env...), program, "check", "--engine", "local", "--gate", "image",
					"--src", src, "--output", out, "--base", "builtin", "--builder", builder)), out
			}
			digest, ours := check(slipway(t))
			for _, by := range []time.Duration{-decades, decades} {
				again, theirs := check(moved, rig.Clock(by), unassembled(t))
				require.Equal(t, digest, again, by)
				require.WithinDuration(t, time.Now().Add(by), readReceipt(t, theirs).Run.Started, time.Hour)
				rig.Must(t, "", rig.Environ(), "diff", "--recursive", "--exclude=report", ours, theirs)
			}
		})
	}
}

// unassembled is a cache folder with what the go command has compiled, and with nothing
// that Slipway made of it.
func unassembled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go-build", "toolchains"} {
		require.NoError(t, os.MkdirAll(filepath.Join(cacheDir(t), name), 0o755))
		require.NoError(t, os.Symlink(filepath.Join(cacheDir(t), name), filepath.Join(dir, name)))
	}
	return "SLIPWAY_CACHE=" + dir
}

// foreign is the service that others wrote at that module path.
func foreign(t *testing.T, module string) service {
	t.Helper()
	i := slices.IndexFunc(services, func(s service) bool { return s.module == module })
	require.GreaterOrEqual(t, i, 0, module)
	return services[i]
}
