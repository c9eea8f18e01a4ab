package base_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

func TestBuiltin_HasOneDigestForAnyPlatforms(t *testing.T) {
	t.Parallel()
	all, err := base.Builtin(nil)
	require.NoError(t, err)
	require.Contains(t, all.Platforms(), plan.Platform{OS: "linux", Arch: "riscv64"})
	some, err := base.Builtin([]plan.Platform{arm64, {OS: "linux", Arch: "amd64", Variant: "v3"}})
	require.NoError(t, err)
	require.Len(t, some.Images, 2)
	require.Equal(t, all.Digest, some.Digest)
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, some.Digest)
	require.Equal(t, "builtin", some.Name)
	require.True(t, some.Builtin)
	require.True(t, some.Cached)
	require.NoError(t, validate.Image(some.Images[arm64]))
	require.Equal(t, layersOf(t, all.Images[arm64]), layersOf(t, some.Images[arm64]))
}

func TestScratch_IsEmpty(t *testing.T) {
	t.Parallel()
	b, err := base.Scratch([]plan.Platform{amd64, armv7})
	require.NoError(t, err)
	require.Equal(t, "scratch", b.Name)
	require.Empty(t, b.Digest)
	require.False(t, b.Builtin)
	require.Equal(t, []plan.Platform{amd64, armv7}, b.Platforms())
	require.Empty(t, layersOf(t, b.Images[armv7]))
	config, err := b.Images[armv7].ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "linux/arm/v7", config.Platform().String())
	require.NoError(t, validate.Image(b.Images[armv7]))
}

func TestEmbedded_RefusesOtherPlatforms(t *testing.T) {
	t.Parallel()
	for _, make := range []func([]plan.Platform) (*base.Base, error){base.Builtin, base.Scratch} {
		_, err := make([]plan.Platform{{OS: "windows", Arch: "amd64"}})
		require.ErrorContains(t, err, "no image for windows/amd64")
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, err := base.Builtin([]plan.Platform{amd64, arm64}); err != nil {
			b.Fatal(err)
		}
	}
}
