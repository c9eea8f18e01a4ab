package base_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/fault"
)

func TestFetch_RefusesWhatIsNoImageToBuildOn(t *testing.T) {
	t.Parallel()
	layer := func(manifest map[string]any, key string, value any) {
		d := map[string]any{"mediaType": types.OCILayer, "size": 1, "digest": sum(nil)}
		d[key] = value
		manifest["layers"] = []any{d}
	}
	for name, tc := range map[string]struct {
		change func(manifest, config map[string]any)
		says   string
	}{
		"schema 1":      {func(m, _ map[string]any) { m["schemaVersion"] = 1 }, "schema version 1"},
		"both kinds":    {func(m, _ map[string]any) { m["manifests"] = []any{} }, "an image and an index at once"},
		"other type":    {func(m, _ map[string]any) { m["mediaType"] = "text/plain" }, `of type "text/plain" is not an image`},
		"index type":    {func(m, _ map[string]any) { m["mediaType"] = types.OCIImageIndex }, "is not an image"},
		"not a list":    {func(m, _ map[string]any) { m["layers"] = "x" }, "its manifest is not one"},
		"foreign layer": {func(m, _ map[string]any) { layer(m, "mediaType", types.DockerForeignLayer) }, "may not be redistributed"},
		"restricted":    {func(m, _ map[string]any) { layer(m, "mediaType", types.OCIRestrictedLayer) }, "may not be redistributed"},
		"other layer":   {func(m, _ map[string]any) { layer(m, "mediaType", "application/x") }, `of type "application/x", which is not known`},
		"huge layer":    {func(m, _ map[string]any) { layer(m, "size", 3<<30) }, "more than 2147483648 bytes"},
		"negative size": {func(m, _ map[string]any) { layer(m, "size", -1) }, "more than 2147483648 bytes"},
		"bad digest":    {func(m, _ map[string]any) { layer(m, "digest", "sha256:../../etc/passwd") }, "its manifest is not one"},
		"no digest":     {func(m, _ map[string]any) { layer(m, "digest", nil) }, "its manifest is not one"},
		"other hash":    {func(m, _ map[string]any) { layer(m, "digest", "sha512:"+strings.Repeat("0", 128)) }, "only sha256 is supported"},
		"artifact": {func(m, _ map[string]any) {
			m["config"] = map[string]any{"mediaType": types.OCIEmptyJSON, "size": 2, "digest": sum([]byte("{}"))}
		}, "it is not an image but holds"},
		"huge config": {func(m, _ map[string]any) {
			m["config"] = map[string]any{"mediaType": types.OCIConfigJSON, "size": 9 << 20, "digest": sum(nil)}
		}, "its configuration has 9437184 bytes"},
		"no diff ids":     {func(_, c map[string]any) { c["rootfs"] = nil }, "lists 1 layers and its configuration 0"},
		"config's types":  {func(_, c map[string]any) { c["os"] = 1 }, "its configuration is not one"},
		"other OS":        {func(_, c map[string]any) { c["os"] = "windows" }, "has no image for linux/amd64; it has windows/amd64"},
		"no architecture": {func(_, c map[string]any) { delete(c, "architecture") }, "has no image for linux/amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := newSmall(t, tc.change)
			s := serve(t, content.shelf)
			r := request(t, pinOf(t, s.host, content.manifest.Digest.String()))
			r.Platforms = append(r.Platforms, amd64)
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, fault.Usage, fault.KindOf(err))
		})
	}
}

func TestFetch_RefusesAnIndexThatLies(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	inner := content.shelf.json(t, types.OCIImageIndex, map[string]any{"schemaVersion": 2, "manifests": []any{}})
	for name, tc := range map[string]struct {
		child map[string]any
		says  string
	}{
		"other platform": {
			map[string]any{"mediaType": types.OCIManifestSchema1, "digest": content.manifest.Digest, "platform": map[string]any{"os": "linux", "architecture": "arm64"}},
			"its index has an image for linux/arm64, whose configuration says linux/amd64",
		},
		"hidden index": {
			map[string]any{"mediaType": types.OCIManifestSchema1, "digest": inner.Digest, "platform": map[string]any{"os": "linux", "architecture": "arm64"}},
			"is an index again",
		},
		"open index": {
			map[string]any{"mediaType": types.OCIImageIndex, "digest": inner.Digest, "platform": map[string]any{"os": "linux", "architecture": "arm64"}},
			"has no image for a platform that Slipway builds",
		},
		"no platform": {
			map[string]any{"mediaType": types.OCIManifestSchema1, "digest": content.manifest.Digest},
			"has no image for a platform that Slipway builds",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Without a media type, as OCI allows.
			shelf := shelf{}
			for digest, data := range content.shelf {
				shelf[digest] = data
			}
			index := shelf.json(t, types.OCIImageIndex, map[string]any{"schemaVersion": 2, "manifests": []any{tc.child}})
			_, err := base.Fetch(t.Context(), request(t, pinOf(t, serve(t, shelf).host, index.Digest.String())))
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, fault.Usage, fault.KindOf(err))
		})
	}
}
