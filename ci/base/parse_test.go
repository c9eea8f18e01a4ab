package base

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/plan"
)

// FuzzParseManifest feeds the parser what a registry could send. Whatever it lets
// through names files by SHA-256 only and stays within the bounds.
func FuzzParseManifest(f *testing.F) {
	const d = `"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1`
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",` + d + `},` +
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",` + d + `}]}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"platform":{"os":"linux","architecture":"arm64","variant":"v8"},` + d + `}]}`))
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json"}`))
	f.Add([]byte(`{"schemaVersion":1}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseManifest(raw)
		if err != nil {
			return
		}
		for _, c := range m.children() {
			require.Equal(t, "sha256", c.manifest.Algorithm)
			require.Equal(t, "linux", c.platform.OS)
			require.Equal(t, c.platform, c.platform.Normal())
		}
		if m.isIndex() {
			return
		}
		var size int64
		for _, l := range m.Layers {
			require.Regexp(t, `^sha256:[0-9a-f]{64}$`, l.Digest.String())
			require.GreaterOrEqual(t, l.Size, int64(0))
			size += l.Size
		}
		require.LessOrEqual(t, size, int64(maxLayers))
		require.Regexp(t, `^sha256:[0-9a-f]{64}$`, m.Config.Digest.String())
		require.LessOrEqual(t, m.Config.Size, int64(maxConfig))
	})
}

func TestEvery_IsWhatSlipwayBuildsInNormalForm(t *testing.T) {
	t.Parallel()
	for _, p := range every() {
		parsed, err := plan.ParsePlatform(p.String())
		require.NoError(t, err)
		require.Equal(t, p, parsed)
	}
}
