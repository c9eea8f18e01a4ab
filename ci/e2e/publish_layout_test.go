package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// What is published into a folder and an archive, stock tools carry into a registry with
// the digest that it has there, and they find what is said of it.
func TestPublish_ToThisMachine(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src, dir, out := fixture(t), t.TempDir(), t.TempDir()
	folder, archive := "oci:"+filepath.Join(dir, "layout"), "oci-archive:"+filepath.Join(dir, "image.tar")
	dry := rig.Run(t, "", environment(t), slipway(t), publishArgs(src, t.TempDir(), folder+","+archive, "--dry-run")...)
	require.Zero(t, dry.Code, dry.Stderr)
	for _, where := range []string{folder, archive} {
		require.Contains(t, dry.Stderr, "create 1.4.0 in "+where)
		require.Contains(t, dry.Stderr, "create latest in "+where)
		require.Contains(t, dry.Stderr, "attach https://slsa.dev/provenance/v1 to ")
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "--dry-run writes nothing")
	r := rig.Run(t, "", environment(t), slipway(t), publishArgs(src, out, folder+","+archive)...)
	require.Zero(t, r.Code, r.Stderr)
	digest, found := strings.CutPrefix(strings.Fields(r.Stdout)[0], folder+"@")
	require.True(t, found, r.Stdout)
	require.Equal(t, archive+"@"+digest, strings.Fields(r.Stdout)[1])

	registry := rig.Registry(t)
	skopeo, crane := rig.Program(t, "skopeo", "skopeo"), rig.Tool(t, "crane")
	for _, from := range []string{folder, archive} {
		to := registry + "/team/" + strings.ReplaceAll(strings.SplitN(from, ":", 2)[0], "oci", "from")
		rig.Must(t, "", rig.Environ(), skopeo, "copy", "--all", "--preserve-digests", "--dest-tls-verify=false", from+":1.4.0", "docker://"+to+":1.4.0")
		require.Equal(t, digest, rig.Must(t, "", rig.Environ(), crane, "digest", to+":1.4.0"))
	}
	said := rig.Must(t, "", rig.Environ(), rig.Tool(t, "oras"), "discover", "--oci-layout", strings.TrimPrefix(folder, "oci:")+":latest")
	require.Contains(t, said, "https://slsa.dev/provenance/v1")
}
