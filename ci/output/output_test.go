package output_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/image"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/plan"
)

func index(t *testing.T, content string) *image.Index {
	t.Helper()
	l, err := layer.New([]layer.File{{Path: "app/x", Mode: fs.FileMode(0o755), Data: []byte(content)}}, time.Unix(0, 0))
	require.NoError(t, err)
	platform := plan.Platform{OS: "linux", Arch: "amd64"}
	p := plan.Image{Name: "x", Mains: []plan.Main{{Name: "x"}}, Platforms: []plan.Platform{platform}}
	idx, err := image.Assemble(p, []image.Part{{Platform: platform, Base: empty.Image, Layers: []image.Layer{{Layer: l}}}})
	require.NoError(t, err)
	return idx
}

func requireLayout(t *testing.T, dir string, want *image.Index) {
	t.Helper()
	p, err := ocilayout.FromPath(dir)
	require.NoError(t, err)
	top, err := p.ImageIndex()
	require.NoError(t, err)
	require.NoError(t, validate.Index(top))
	m, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 1)
	require.Equal(t, want.Digest, m.Manifests[0].Digest)
	require.Equal(t, "localhost/x:1", m.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	require.Len(t, blobs, 4, "index, manifest, configuration and layer, and nothing of an earlier image")
}

func TestLayout_ReplacesAnEarlierImage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), ".slipway", "x")
	for _, content := range []string{"first", "second", "second"} {
		idx := index(t, content)
		require.NoError(t, output.Layout(dir, "localhost/x:1", idx))
		requireLayout(t, dir, idx)
	}
	ignored, err := os.ReadFile(filepath.Join(dir, "..", ".gitignore"))
	require.NoError(t, err)
	require.Equal(t, "*\n", string(ignored))
}

func TestLayout_MendsABlobThatWasCutShort(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "x")
	idx := index(t, "content")
	require.NoError(t, output.Layout(dir, "localhost/x:1", idx))
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	require.NoError(t, err)
	for _, blob := range blobs {
		require.NoError(t, os.Truncate(blob, 1))
	}
	require.NoError(t, output.Layout(dir, "localhost/x:1", idx))
	requireLayout(t, dir, idx)
}

// A layer whose bytes are not what its digest says never gets the name of the digest.
func TestLayout_KeepsTheEarlierImageWhenABlobLies(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "x")
	good := index(t, "good")
	require.NoError(t, output.Layout(dir, "localhost/x:1", good))
	bad := index(t, "bad")
	bad.ImageIndex = lying{bad.ImageIndex, good.ImageIndex}
	require.ErrorContains(t, output.Layout(dir, "localhost/x:1", bad), "hash to")
	p, err := ocilayout.FromPath(dir)
	require.NoError(t, err)
	top, err := p.ImageIndex()
	require.NoError(t, err)
	require.NoError(t, validate.Index(top))
}

// lying has the manifests of one index and the layers of another.
type lying struct {
	manifests
	other v1.ImageIndex
}

// manifests is an index under a name that is not also that of a method.
type manifests interface{ v1.ImageIndex }

func (l lying) Image(h v1.Hash) (v1.Image, error) {
	img, err := l.manifests.Image(h)
	if err != nil {
		return nil, err
	}
	m, err := l.other.IndexManifest()
	if err != nil {
		return nil, err
	}
	other, err := l.other.Image(m.Manifests[0].Digest)
	return swapped{img, other}, err
}

type swapped struct {
	v1.Image
	other v1.Image
}

func (s swapped) Layers() ([]v1.Layer, error) {
	layers, err := s.other.Layers()
	if err != nil {
		return nil, err
	}
	own, err := s.Image.Layers()
	return []v1.Layer{renamed{layers[0], own[0]}}, err
}

type renamed struct {
	v1.Layer
	name v1.Layer
}

func (r renamed) Digest() (v1.Hash, error) { return r.name.Digest() }

func TestLayout_FollowsNoLink(t *testing.T) {
	t.Parallel()
	work, elsewhere := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(work, ".slipway")))
	require.ErrorContains(t, output.Layout(filepath.Join(work, ".slipway", "x"), "", index(t, "x")), "is a link")
	require.NoError(t, os.Mkdir(filepath.Join(work, "out"), 0o755))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(work, "out", "x")))
	require.ErrorContains(t, output.Layout(filepath.Join(work, "out", "x"), "", index(t, "x")), "is a link")
	left, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestArchive_IsWhatRuntimesLoad(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "deep", "x.tar")
	tag, err := name.NewTag("localhost/x:1")
	require.NoError(t, err)
	idx := index(t, "x")
	require.NoError(t, output.Archive(file, tag, idx.Images[0].Image))
	img, err := tarball.ImageFromPath(file, &tag)
	require.NoError(t, err)
	require.NoError(t, validate.Image(img))
}
