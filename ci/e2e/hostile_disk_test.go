package e2e_test

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// disk mounts a file system of its own that becomes full.
func disk(t *testing.T, size string) string {
	t.Helper()
	rig.Root(t)
	dir := t.TempDir()
	rig.Must(t, "", rig.Environ(), "mount", "-t", "tmpfs", "-o", "size="+size, "slipway-test", dir)
	t.Cleanup(func() { rig.Must(t, "", rig.Environ(), "umount", dir) })
	return dir
}

// fill leaves room for so many bytes on a disk.
func fill(t *testing.T, dir string, room int64) {
	t.Helper()
	var fs syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &fs))
	free := int64(fs.Bavail) * fs.Bsize
	require.Greater(t, free, room)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "filler"), make([]byte, free-room), 0o644))
}

// A disk that becomes full while an image is written leaves the earlier one whole.
func TestHostile_ADiskThatIsFullKeepsTheEarlierImage(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	dir, src := disk(t, "16m"), module(t, nil)
	out, archive := filepath.Join(dir, "out"), filepath.Join(dir, "tide.tar")
	earlier := digestOf(t, buildSource(t, 8*time.Minute, src, environment(t), "--output", out, "--tarball", archive))
	tarball, err := os.ReadFile(archive)
	require.NoError(t, err)
	fill(t, dir, 64<<10)
	for name, args := range map[string][]string{
		"layout":  {"--strip", "none", "--output", out},
		"archive": {"--strip", "none", "--output", t.TempDir(), "--tarball", archive},
	} {
		r := buildSource(t, 2*time.Minute, src, environment(t), args...)
		require.Equal(t, cli.ExitUsage, r.Code, "%s: %s", name, r.Stderr)
		require.Contains(t, sentence(t, r), "no space left on device")
		require.Contains(t, sentence(t, r), "make room")
	}
	digest, _ := oneImage(t, out)
	require.Equal(t, earlier, digest)
	again, err := os.ReadFile(archive)
	require.NoError(t, err)
	require.Equal(t, tarball, again)
	rest, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	require.NoError(t, err)
	require.Empty(t, rest)
}

// So does a cache folder on a disk that is full, whichever part of it is.
func TestHostile_ACacheThatIsFullIsNamed(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := module(t, nil)
	digestOf(t, buildSource(t, 8*time.Minute, src, environment(t)))
	for _, part := range []string{"bin", "layers", "go-build", "toolchains"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			full := disk(t, "64k")
			fill(t, full, 0)
			cache := t.TempDir()
			for _, name := range []string{"bin", "layers", "go-build", "toolchains", "empty"} {
				to := filepath.Join(cacheDir(t), name)
				if name == part {
					to = filepath.Join(full, name)
					require.NoError(t, os.MkdirAll(to, 0o755))
				}
				require.NoError(t, os.MkdirAll(to, 0o755))
				require.NoError(t, os.Symlink(to, filepath.Join(cache, name)))
			}
			out := filepath.Join(t.TempDir(), "out")
			r := buildSource(t, 4*time.Minute, src, environment(t, "SLIPWAY_CACHE="+cache), "--strip", "dwarf", "--output", out)
			require.Equal(t, cli.ExitUsage, r.Code, "%s", r.Stderr)
			require.Contains(t, sentence(t, r), "make room")
			require.NoDirExists(t, out)
		})
	}
}

// Of two builds into one folder at once, one is there afterwards, whole and alone.
func TestHostile_TwoBuildsIntoOneFolder(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src, out := module(t, nil), t.TempDir()
	flags := [][]string{{"--output", out}, {"--output", out, "--label", "team=harbour"}}
	for range 10 {
		var both [2]rig.Result
		var wait sync.WaitGroup
		for i := range both {
			wait.Go(func() { both[i] = buildSource(t, 8*time.Minute, src, environment(t), flags[i]...) })
		}
		wait.Wait()
		said := []string{digestOf(t, both[0]), digestOf(t, both[1])}
		require.NotEqual(t, said[0], said[1])
		digest, img := oneImage(t, out)
		require.Contains(t, said, digest)
		layers, err := img.Layers()
		require.NoError(t, err)
		blobs, err := os.ReadDir(filepath.Join(out, "tide", "blobs", "sha256"))
		require.NoError(t, err)
		require.Len(t, blobs, len(layers)+3, "layers, configuration, manifest, index, and nothing of the other image")
	}
}
