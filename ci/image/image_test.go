package image_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/image"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

var (
	amd64 = plan.Platform{OS: "linux", Arch: "amd64"}
	arm64 = plan.Platform{OS: "linux", Arch: "arm64"}
	armv7 = plan.Platform{OS: "linux", Arch: "arm", Variant: "v7"}
)

func thePlan() plan.Image {
	return plan.Image{
		Name: "server", Title: "server", Source: "https://example.com/slipway", Module: "example.com/slipway",
		Version: "v1.2.3", Commit: strings.Repeat("ab", 20), Epoch: 1700000000, Toolchain: "go1.26.9",
		Base:      plan.Pin{Name: "gcr.io/distroless/static", Tag: "nonroot", Digest: "sha256:" + strings.Repeat("1", 64)},
		Mains:     []plan.Main{{Dir: "./cmd/server", Package: "example.com/slipway/cmd/server", Name: "server"}},
		Config:    plan.Config{User: "65532:65532", Ports: []string{"8080/tcp"}, Env: []string{"A=2", "B=3"}},
		Platforms: []plan.Platform{amd64, arm64},
	}
}

func file(t *testing.T, path, data string) v1.Layer {
	t.Helper()
	l, err := layer.New([]layer.File{{Path: path, Mode: fs.FileMode(0o755), Data: []byte(data)}}, time.Unix(1700000000, 0))
	require.NoError(t, err)
	return l
}

// dockerBase is a base as older builders push it: Docker's types, labels, a
// command, a history with an entry that made no layer, and arm64 written with v8.
func dockerBase(t *testing.T, variant string) v1.Image {
	t.Helper()
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.DockerManifestSchema2),
		mutate.Addendum{Layer: file(t, "etc/passwd", "root"), MediaType: types.DockerLayer, History: v1.History{CreatedBy: "passwd"}},
		mutate.Addendum{History: v1.History{CreatedBy: "ENV", EmptyLayer: true}})
	require.NoError(t, err)
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	cfg = cfg.DeepCopy()
	cfg.Architecture, cfg.OS, cfg.Variant, cfg.Author = "arm64", "linux", variant, "somebody"
	cfg.Config = v1.Config{
		Env: []string{"PATH=/bin", "A=1"}, Cmd: []string{"sh"}, User: "0", WorkingDir: "/home/nonroot",
		Labels: map[string]string{"theirs": "x"}, ExposedPorts: map[string]struct{}{"1/tcp": {}},
	}
	img, err = mutate.ConfigFile(img, cfg)
	require.NoError(t, err)
	return mutate.Annotations(img, map[string]string{"org.opencontainers.image.source": "theirs"}).(v1.Image)
}

func assemble(t *testing.T, p plan.Image, platforms ...plan.Platform) *image.Index {
	t.Helper()
	var parts []image.Part
	for _, platform := range platforms {
		parts = append(parts, image.Part{
			Platform: platform, Base: dockerBase(t, "v8"),
			Layers: []image.Layer{{Layer: file(t, "app/server", "program for "+platform.String()), CreatedBy: "slipway: example.com/slipway/cmd/server"}},
		})
	}
	idx, err := image.Assemble(p, parts)
	require.NoError(t, err)
	return idx
}

// A change here changes every image that Slipway makes.
func TestAssemble_GivesThePinnedDigest(t *testing.T) {
	t.Parallel()
	idx := assemble(t, thePlan(), amd64, arm64)
	require.NoError(t, validate.Index(idx.ImageIndex))
	require.Equal(t, "sha256:a0d94591aafaadde3c1936647b6cf886ae43a140936819fab58f71f6f7043671", idx.Digest.String())
}

func TestAssemble_SortsPlatformsAndWritesThemInNormalForm(t *testing.T) {
	t.Parallel()
	idx := assemble(t, thePlan(), armv7, arm64, amd64)
	m, err := idx.IndexManifest()
	require.NoError(t, err)
	require.Equal(t, types.OCIImageIndex, m.MediaType)
	var names []string
	for _, d := range m.Manifests {
		require.Equal(t, types.OCIManifestSchema1, d.MediaType)
		require.Empty(t, d.Annotations)
		names = append(names, plan.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant}.String())
		require.Empty(t, d.Platform.OSVersion)
	}
	require.Equal(t, []string{"linux/amd64", "linux/arm/v7", "linux/arm64"}, names)
	cfg, err := idx.Images[2].ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "arm64", cfg.Architecture)
	require.Empty(t, cfg.Variant, "arm64 has no variant, whatever the base says")
	require.Equal(t, assemble(t, thePlan(), amd64, arm64, armv7).Digest, idx.Digest, "the order they come in does not count")
}

func TestAssemble_CopiesTheBaseByDigestUnderOCITypes(t *testing.T) {
	t.Parallel()
	img := assemble(t, thePlan(), arm64).Images[0]
	m, err := img.Manifest()
	require.NoError(t, err)
	base, err := dockerBase(t, "").Layers()
	require.NoError(t, err)
	want, err := base[0].Digest()
	require.NoError(t, err)
	require.Len(t, m.Layers, 2)
	require.Equal(t, want, m.Layers[0].Digest)
	for _, l := range m.Layers {
		require.Equal(t, types.OCILayer, l.MediaType)
	}
	require.Equal(t, types.OCIConfigJSON, m.Config.MediaType)
	require.Equal(t, img.Size, m.Config.Size+m.Layers[0].Size+m.Layers[1].Size)
}

func TestAssemble_TakesFromTheBaseOnlyWhatAProgramNeeds(t *testing.T) {
	t.Parallel()
	img := assemble(t, thePlan(), arm64).Images[0]
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, []string{"PATH=/bin", "A=2", "B=3"}, cfg.Config.Env, "the plan's value takes the base's place")
	require.Equal(t, "/home/nonroot", cfg.Config.WorkingDir)
	require.Equal(t, "65532:65532", cfg.Config.User)
	require.Equal(t, []string{"/app/server"}, cfg.Config.Entrypoint)
	require.Empty(t, cfg.Config.Cmd)
	require.Empty(t, cfg.Author)
	require.Equal(t, map[string]struct{}{"8080/tcp": {}}, cfg.Config.ExposedPorts)
	require.NotContains(t, cfg.Config.Labels, "theirs")
	require.Equal(t, thePlan().Hash(arm64), cfg.Config.Labels[image.PlanLabel])
	require.Equal(t, time.Unix(1700000000, 0).UTC(), cfg.Created.Time)
	require.Equal(t, "slipway: example.com/slipway/cmd/server", cfg.History[2].CreatedBy)
}

func TestAssemble_AnnotatesIndexAndManifestWithOurOwn(t *testing.T) {
	t.Parallel()
	p := thePlan()
	p.Config.Annotations = map[string]string{"com.example.team": "harbour"}
	idx := assemble(t, p, arm64)
	top, err := idx.IndexManifest()
	require.NoError(t, err)
	m, err := idx.Images[0].Manifest()
	require.NoError(t, err)
	want := map[string]string{
		"org.opencontainers.image.created": "2023-11-14T22:13:20Z", "org.opencontainers.image.title": "server",
		"org.opencontainers.image.source": "https://example.com/slipway", "org.opencontainers.image.version": "v1.2.3",
		"org.opencontainers.image.revision": p.Commit, "org.opencontainers.image.base.name": "gcr.io/distroless/static:nonroot",
		"org.opencontainers.image.base.digest": p.Base.Digest, "com.example.team": "harbour",
	}
	require.Equal(t, want, top.Annotations)
	require.Equal(t, want, m.Annotations)
}

func TestAssemble_TakesABaseWithoutHistory(t *testing.T) {
	t.Parallel()
	base, err := mutate.AppendLayers(empty.Image, file(t, "a", "a"), file(t, "b", "b"))
	require.NoError(t, err)
	cfg, err := base.ConfigFile()
	require.NoError(t, err)
	cfg = cfg.DeepCopy()
	cfg.History = nil
	base, err = mutate.ConfigFile(base, cfg)
	require.NoError(t, err)
	idx, err := image.Assemble(thePlan(), []image.Part{{Platform: amd64, Base: base, Layers: []image.Layer{{Layer: file(t, "c", "c")}}}})
	require.NoError(t, err)
	require.NoError(t, validate.Index(idx.ImageIndex))
	got, err := idx.Images[0].ConfigFile()
	require.NoError(t, err)
	require.Len(t, got.History, 3)
}

func TestAssemble_RefusesALayerThatCannotBeTakenOver(t *testing.T) {
	t.Parallel()
	base, err := mutate.Append(empty.Image, mutate.Addendum{Layer: file(t, "a", "a"), MediaType: types.DockerForeignLayer})
	require.NoError(t, err)
	_, err = image.Assemble(thePlan(), []image.Part{{Platform: amd64, Base: base}})
	require.ErrorContains(t, err, "foreign")
}
