package e2e_test

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"
)

// imageSize is what a registry transfers: manifest, configuration and layers.
func imageSize(t *testing.T, img v1.Image) int64 {
	t.Helper()
	m, err := img.Manifest()
	require.NoError(t, err)
	size, err := img.Size()
	require.NoError(t, err)
	for _, l := range append(m.Layers, m.Config) {
		size += l.Size
	}
	return size
}
