package builtin_test

import (
	"archive/tar"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

var (
	amd64 = plan.Platform{OS: "linux", Arch: "amd64"}
	arm64 = plan.Platform{OS: "linux", Arch: "arm64"}
	armv7 = plan.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
)

func TestFiles_HoldWhatAStaticProgramExpects(t *testing.T) {
	t.Parallel()
	files := byPath(t, builtin.Files)
	for _, tc := range []struct {
		path  string
		mode  fs.FileMode
		owner int
		holds string
	}{
		{"etc", fs.ModeDir | 0o755, 0, ""},
		{"etc/passwd", 0o644, 0, "nonroot:x:65532:65532:nonroot:/home/nonroot:"},
		{"etc/group", 0o644, 0, "nonroot:x:65532:\n"},
		{"etc/nsswitch.conf", 0o644, 0, "hosts: files dns\n"},
		{"etc/os-release", 0o644, 0, "ID=slipway\n"},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, "-----BEGIN CERTIFICATE-----\n"},
		{"home", fs.ModeDir | 0o755, 0, ""},
		{"home/nonroot", fs.ModeDir | 0o755, 65532, ""},
		{"root", fs.ModeDir | 0o700, 0, ""},
		{"tmp", fs.ModeDir | fs.ModeSticky | 0o777, 0, ""},
		{"usr/share/zoneinfo/Asia/Jakarta", 0o644, 0, "TZif"},
	} {
		f, ok := files[tc.path]
		require.True(t, ok, tc.path)
		require.Equal(t, tc.mode, f.Mode, tc.path)
		require.Equal(t, []int{tc.owner, tc.owner}, []int{f.UID, f.GID}, tc.path)
		require.Contains(t, string(f.Data), tc.holds, tc.path)
	}
}

func TestFiles_ComeAfterTheirFoldersEachOnce(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]func() ([]layer.File, error){"whole": builtin.Files, "certificates": builtin.Certificates} {
		files, err := list()
		require.NoError(t, err)
		seen := map[string]bool{".": true}
		for _, f := range files {
			require.True(t, fs.ValidPath(f.Path), f.Path)
			require.True(t, seen[path.Dir(f.Path)], "%s: %s comes before its folder", name, f.Path)
			require.False(t, seen[f.Path], "%s: %s is there twice", name, f.Path)
			seen[f.Path] = true
		}
	}
}

func TestCertificates_AreTheSameBytesAndNothingElse(t *testing.T) {
	t.Parallel()
	whole := byPath(t, builtin.Files)
	for p, f := range byPath(t, builtin.Certificates) {
		require.Equal(t, whole[p], f)
		require.True(t, f.Mode.IsDir() || strings.HasPrefix(p, "etc/ssl/certs/") || strings.HasPrefix(p, "usr/share/zoneinfo/"), p)
	}
}

func TestCertificates_ParseAndCarryNoConstraint(t *testing.T) {
	t.Parallel()
	rest := byPath(t, builtin.Certificates)["etc/ssl/certs/ca-certificates.crt"].Data
	pool, names := x509.NewCertPool(), map[string]bool{}
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		root, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		require.True(t, root.IsCA)
		require.NotContains(t, constrained, fingerprint(root))
		names[root.Subject.CommonName] = true
		pool.AddCert(root)
	}
	require.Empty(t, rest)
	require.Greater(t, len(names), 90)
	require.Less(t, len(names), 250)
	require.Contains(t, names, "ISRG Root X1")
}

func TestZoneinfo_Loads(t *testing.T) {
	t.Parallel()
	files := byPath(t, builtin.Certificates)
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, offset := range map[string]int{"UTC": 0, "Asia/Jakarta": 7 * 3600, "Europe/Berlin": 2 * 3600, "America/Argentina/Ushuaia": -3 * 3600} {
		zone, err := time.LoadLocationFromTZData(name, files["usr/share/zoneinfo/"+name].Data)
		require.NoError(t, err)
		_, got := at.In(zone).Zone()
		require.Equal(t, offset, got, name)
	}
}

func TestIndex_HasOneValidImagePerPlatform(t *testing.T) {
	t.Parallel()
	index, err := builtin.Index([]plan.Platform{amd64, armv7})
	require.NoError(t, err)
	require.NoError(t, validate.Index(index))
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Equal(t, types.OCIImageIndex, manifest.MediaType)
	require.Len(t, manifest.Manifests, 2)
	require.Equal(t, "linux/arm/v7", manifest.Manifests[1].Platform.String())

	image, err := index.Image(manifest.Manifests[1].Digest)
	require.NoError(t, err)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "linux/arm/v7", config.Platform().String())
	require.True(t, config.Created.Equal(time.Unix(0, 0)))
	require.Equal(t, "65532", config.Config.User)
	require.Equal(t, "/home/nonroot", config.Config.WorkingDir)
	require.Len(t, config.History, 1)
}

func TestIndex_LayerHasTheEpochAndStaysSmall(t *testing.T) {
	t.Parallel()
	content := onlyLayer(t)
	size, err := content.Size()
	require.NoError(t, err)
	require.Less(t, size, int64(700<<10))

	r, err := content.Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		require.True(t, h.ModTime.Equal(time.Unix(0, 0)), h.Name)
	}
}

// TestIndex_IsGolden holds the digests of the layer and of an index, which follow
// from the embedded files, from ci/layer and from go-containerregistry.
func TestIndex_IsGolden(t *testing.T) {
	t.Parallel()
	index, err := builtin.Index([]plan.Platform{amd64, arm64})
	require.NoError(t, err)
	digest, err := index.Digest()
	require.NoError(t, err)
	content, err := onlyLayer(t).Digest()
	require.NoError(t, err)
	got := fmt.Sprintf("layer %s\nlinux/amd64,linux/arm64 %s\n", content, digest)
	golden := filepath.Join("testdata", "digests.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	require.Equal(t, string(read(t, ".", golden)), got)
}

func BenchmarkIndex(b *testing.B) {
	for b.Loop() {
		if _, err := builtin.Index([]plan.Platform{amd64, arm64}); err != nil {
			b.Fatal(err)
		}
	}
}

func onlyLayer(t *testing.T) v1.Layer {
	t.Helper()
	index, err := builtin.Index([]plan.Platform{amd64})
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	image, err := index.Image(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	layers, err := image.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	return layers[0]
}

func byPath(t *testing.T, list func() ([]layer.File, error)) map[string]layer.File {
	t.Helper()
	files, err := list()
	require.NoError(t, err)
	found := map[string]layer.File{}
	for _, f := range files {
		found[f.Path] = f
	}
	require.Len(t, found, len(files))
	return found
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
