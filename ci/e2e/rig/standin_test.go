package rig_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"
	"runtime"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/plan"
)

// A stand-in is found under the name and the digest that its pin has.
func TestStandins_AreThereByTheirPins(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	s := rig.NewStandins(t, "127.0.0.1")
	for _, text := range []string{s.Builder, s.Base} {
		pin, err := plan.ParsePin(text)
		require.NoError(t, err)
		real, err := name.NewDigest(pin.Name + "@" + pin.Digest)
		require.NoError(t, err)
		here, err := name.NewDigest(s.Address + "/" + real.RepositoryStr() + "@" + pin.Digest)
		require.NoError(t, err)
		image, err := remote.Image(here, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
		require.NoError(t, err, text)
		config, err := image.ConfigFile()
		require.NoError(t, err)
		require.NotEmpty(t, config.Config.Env)
	}
}
