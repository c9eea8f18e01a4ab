package gocache

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// send packs the layer of a bucket and brings it to the store, with an encoder of an
// earlier one or nil, and returns the encoder. The layer is in a file meanwhile: several
// of some ten megabytes are under way at once.
func send(ctx context.Context, to Store, b bucket, z *zstd.Encoder) (v1.Descriptor, *zstd.Encoder, error) {
	d := v1.Descriptor{MediaType: layerType, Annotations: map[string]string{partAnnotation: string(b.part), idAnnotation: b.id}}
	file, err := os.CreateTemp("", "slipway-layer-")
	if err != nil {
		return d, z, fmt.Errorf("packing a layer: %w", err)
	}
	defer os.Remove(file.Name())
	sum := sha256.New()
	z, err = pack(io.MultiWriter(file, sum), b, z)
	if err == nil {
		d.Size, err = file.Seek(0, io.SeekEnd)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return d, z, err
	}
	d.Digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	return d, z, to.Write(ctx, d, func() (io.ReadCloser, error) { return os.Open(file.Name()) })
}

// pack writes the layer of a bucket. Its bytes follow from the files alone.
func pack(out io.Writer, b bucket, z *zstd.Encoder) (*zstd.Encoder, error) {
	if z == nil {
		var err error
		if z, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	}
	z.Reset(out)
	w := tar.NewWriter(z)
	for _, f := range b.files {
		if err := add(w, f); err != nil {
			return z, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return z, fmt.Errorf("packing a layer: %w", err)
	}
	return z, nil
}

func add(w *tar.Writer, f File) error {
	if !f.Part.valid(f.Name) {
		return errors.New("a cache has no such name")
	}
	if f.Path == "" {
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: f.Name + "/", Mode: 0o755, Format: tar.FormatPAX})
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Mode: 0o644, Size: f.Size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	// One that grew or shrank meanwhile is not what its name says.
	n, err := io.Copy(w, io.LimitReader(file, f.Size+1))
	if err == nil && n != f.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("it changes: %w", err)
	}
	return nil
}
