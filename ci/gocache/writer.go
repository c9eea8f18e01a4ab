package gocache

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writer writes the entries of one layer into the folder of its part.
type writer struct {
	part   Part
	dir    string
	made   map[string]bool // folders
	buffer []byte
}

// entry writes one file or folder. The names are checked here; links are not among what is
// written, so that none can lead anywhere.
func (w *writer) entry(h *tar.Header, in io.Reader) error {
	name := h.Name
	folder := h.Typeflag == tar.TypeDir && w.part == Modules
	if folder {
		name = filepath.ToSlash(filepath.Clean(name))
	}
	if !folder && h.Typeflag != tar.TypeReg || !w.part.valid(name) {
		return errName
	}
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	parent := filepath.Dir(file)
	if folder {
		parent = file
	}
	if !w.made[parent] {
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return fmt.Errorf("%w: %w", errDisk, err)
		}
		w.made[parent] = true
	}
	if folder {
		return nil
	}
	return w.file(file, h.Size, in)
}

// file writes a file unless it is there. The go command itself writes objects in place
// and takes one of another length for missing.
func (w *writer) file(name string, size int64, in io.Reader) error {
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == size {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("%w: %w", errDisk, err)
	}
	// Neither side may choose a smaller buffer.
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{in}, w.buffer)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		return nil
	}
	_ = os.Remove(name)
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		return fmt.Errorf("%w: %w", errDisk, err)
	}
	return err
}
