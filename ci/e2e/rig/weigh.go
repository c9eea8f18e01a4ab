package rig

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/layer"
)

// ProgramSize is what the program of an image's last layer takes in its compression, in bytes.
// What is before it in the layer stays there, and is taken off again: deflate gives and
// takes ten thousand bytes by where it starts.
func ProgramSize(img v1.Image, c layer.Compression) (int64, error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	r, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var before bytes.Buffer
	for entries := tar.NewReader(io.TeeReader(r, &before)); ; {
		h, err := entries.Next()
		if err != nil {
			return 0, fmt.Errorf("looking for the program: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		head := bytes.Clone(before.Bytes())
		alone, err := compressed(bytes.NewReader(head), c)
		if err != nil {
			return 0, err
		}
		all, err := compressed(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, h.Size)), c)
		return all - alone, err
	}
}

// compressed is the size that a layer's compression makes of something.
func compressed(r io.Reader, c layer.Compression) (int64, error) {
	var total count
	w, err := c.Writer(&total)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(w, r)
	return int64(total), errors.Join(err, w.Close())
}

// count counts what is written.
type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}
