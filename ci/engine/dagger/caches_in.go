package dagger

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/cache"
)

// copyIn has a folder of this machine in the engine. Without a tar in the builder image its
// files go one by one.
func (e *Engine) copyIn(ctx context.Context, dir string) (*sdk.Directory, error) {
	file, err := e.packed(dir, time.Unix(0, 0))
	if err != nil {
		return nil, err
	}
	ctr := unpacked(e.image(), file, carried)
	said, err := e.output(ctx, ctr)
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return e.client.Host().Directory(dir), nil
	}
	return ctr.Directory(carried), nil
}

// unpacked is a container with an archive unpacked into a folder of it.
func unpacked(ctr *sdk.Container, file *sdk.File, to string) *sdk.Container {
	return ctr.WithMountedFile(archive, file).WithWorkdir(to).WithExec([]string{"tar", "-x", "-f", archive})
}

// packed is a folder of this machine as an archive, which takes a small part of the time
// that its files take. It stays until Close, since the engine may ask for it again.
func (e *Engine) packed(dir string, changed time.Time) (*sdk.File, error) {
	name := filepath.Join(e.carried, filepath.Base(dir)+".tar")
	if err := cache.Create(name, func(w io.Writer) error { return pack(w, dir, changed) }); err != nil {
		return nil, fmt.Errorf("packing %s for the Dagger engine: %w", dir, err)
	}
	return e.client.Host().File(name), nil
}

// pack writes the files and folders of a folder, all changed at one time, in a form that
// BusyBox reads.
func pack(to io.Writer, dir string, changed time.Time) error {
	w, buffer := tar.NewWriter(to), make([]byte, 256<<10)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := tar.Header{Format: tar.FormatGNU, Typeflag: tar.TypeDir, Name: name, Mode: int64(info.Mode().Perm()), ModTime: changed.Truncate(time.Second)}
		if !d.IsDir() {
			h.Typeflag, h.Size = tar.TypeReg, info.Size()
		}
		if err := w.WriteHeader(&h); err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, f, buffer)
		return err
	})
	return errors.Join(err, w.Close())
}
