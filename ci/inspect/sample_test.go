package inspect_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// What Slipway builds keeps every rule, wherever it is put.
func TestSample_HasNoFindings(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the sample service, which is slow without a warm cache")
	}
	dir := t.TempDir()
	folder, archive := filepath.Join(dir, "out", "server"), filepath.Join(dir, "server.tar")
	build(t, dir, "--output", filepath.Dir(folder), "--tarball", archive)
	fromLayout, err := open(t, folder, inspect.Options{})
	require.NoError(t, err)
	require.Len(t, fromLayout.Images, 2)
	requireSample(t, fromLayout, 2)

	fromArchive, err := open(t, archive, inspect.Options{})
	require.NoError(t, err)
	requireSample(t, fromArchive, 1)

	host := serve(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	fromRegistry, err := open(t, push(t, folder, fromLayout.Digest, host), inspect.Options{})
	require.NoError(t, err)
	require.Equal(t, fromLayout.Digest, fromRegistry.Digest)
	require.Equal(t, fromLayout.Images, fromRegistry.Images)
}

func requireSample(t *testing.T, r *inspect.Report, images int) {
	t.Helper()
	require.Len(t, r.Images, images)
	require.Empty(t, inspect.Judge(r, inspect.Policy{Budget: 10_000_000}))
	for _, img := range r.Images {
		require.Len(t, img.Programs, 1)
		p := img.Programs[0]
		require.Equal(t, "/app/server", p.Path)
		require.Equal(t, img.Platform.Arch, p.Arch)
		require.True(t, p.Entrypoint && p.Static && p.Stripped)
		require.Equal(t, "example.com/slipway/cmd/server", p.Go.Package)
		require.Equal(t, "std", p.Go.Modules[0].Name)
		require.InEpsilon(t, p.Go.Text, p.Go.Covered, 0.01)
	}
}

// build runs slipway build on this repository, with the cache that tests share.
func build(t testing.TB, dir string, args ...string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	c := cli.Command{
		Stdout: &stdout, Stderr: &stderr, Dir: dir,
		Env: append(os.Environ(), "SLIPWAY_CACHE="+filepath.Join(cache, "slipway-e2e"), "GIT_CONFIG_GLOBAL="+os.DevNull),
	}
	args = append([]string{"build", "--src", root, "--base", "builtin", "--platform", "linux/amd64,linux/arm64"}, args...)
	require.Zero(t, c.Run(t.Context(), args), stderr.String())
}

func push(t *testing.T, folder, digest, host string) string {
	t.Helper()
	h, err := v1.NewHash(digest)
	require.NoError(t, err)
	whole, err := layout.ImageIndexFromPath(folder)
	require.NoError(t, err)
	idx, err := whole.ImageIndex(h)
	require.NoError(t, err)
	ref, err := name.ParseReference(fmt.Sprintf("%s/server:latest", host))
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, idx))
	return ref.String()
}

// BenchmarkInspect_Sample is one platform of the sample, with opening the layout.
func BenchmarkInspect_Sample(b *testing.B) {
	dir := b.TempDir()
	folder := filepath.Join(dir, "out", "server")
	build(b, dir, "--output", filepath.Dir(folder))
	for b.Loop() {
		_, err := openIn(b.Context(), folder, inspect.Options{Platforms: []plan.Platform{{OS: "linux", Arch: "amd64"}}})
		require.NoError(b, err)
	}
}
