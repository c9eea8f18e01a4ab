package output

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
)

// Tar packs an OCI image layout into one file. The same layout gives the same bytes:
// names are in order, and no time, owner or mode of this machine goes in, nor a hidden
// file, which is no part of a layout.
func Tar(file, dir string) error {
	err := cache.Create(file, func(w io.Writer) error {
		tw := tar.NewWriter(w)
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || name == dir || strings.HasPrefix(d.Name(), ".") {
				return err
			}
			return pack(tw, dir, name, d)
		})
		if err != nil {
			return err
		}
		return tw.Close()
	})
	if err != nil {
		return fmt.Errorf("packing the image layout %s: %w", dir, err)
	}
	return nil
}

func pack(tw *tar.Writer, dir, name string, d fs.DirEntry) error {
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: filepath.ToSlash(rel), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if d.IsDir() {
		header.Typeflag, header.Name, header.Mode = tar.TypeDir, header.Name+"/", 0o755
		return tw.WriteHeader(header)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size, header.Mode = tar.TypeReg, info.Size(), 0o644
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}
