package e2e_test

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/layer"
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

// compressedProgram compresses the program of an image's last layer by itself, as
// the layer does.
func compressedProgram(t *testing.T, img v1.Image) int64 {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	r, err := layers[len(layers)-1].Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		require.NotErrorIs(t, err, io.EOF, "the layer has no program")
		require.NoError(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		var b bytes.Buffer
		w, err := layer.Gzip.Writer(&b)
		require.NoError(t, err)
		_, err = io.Copy(w, entries)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return int64(b.Len())
	}
}
