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

// compressedProgram is what the program of an image's last layer takes there. What is
// before it stays in its place, and is taken off again: deflate gives and takes by where it
// starts.
func compressedProgram(t *testing.T, img v1.Image) int64 {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	r, err := layers[len(layers)-1].Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	compressed := func(r io.Reader) int64 {
		var b bytes.Buffer
		w, err := layer.Gzip.Writer(&b)
		require.NoError(t, err)
		_, err = io.Copy(w, r)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return int64(b.Len())
	}
	var before bytes.Buffer
	for entries := tar.NewReader(io.TeeReader(r, &before)); ; {
		h, err := entries.Next()
		require.NotErrorIs(t, err, io.EOF, "the layer has no program")
		require.NoError(t, err)
		if h.Typeflag == tar.TypeReg {
			head := bytes.Clone(before.Bytes())
			return compressed(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, h.Size))) - compressed(bytes.NewReader(head))
		}
	}
}
