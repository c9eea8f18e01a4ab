package dagger

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	sdk "dagger.io/dagger"
)

// Places in a container whose files are copied out.
const (
	found   = "/found"
	listed  = "/listed"
	archive = "/archive.tar"
)

// copyOut copies files of a container's working folder to a folder of this machine. Those
// that are there have the time of now from then on. One archive takes a small part of the
// time that as many files take.
func (e *Engine) copyOut(ctx context.Context, ctr *sdk.Container, names []string, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	var missing strings.Builder
	now := time.Now()
	for _, name := range names {
		if root.Chtimes(filepath.FromSlash(name), now, now) != nil {
			missing.WriteString(name + "\n")
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	file := filepath.Join(e.carried, "archive.tar")
	defer os.Remove(file)
	packed := ctr.WithNewFile(listed, missing.String()).WithExec([]string{"tar", "-c", "-f", archive, "-T", listed}).File(archive)
	if _, err := packed.Export(ctx, file); err != nil {
		return e.trouble(ctx, err)
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	return unpack(in, root)
}

// unpack writes the files of an archive. They stay in the folder: links are not among them.
func unpack(in io.Reader, to *os.Root) error {
	made, buffer := map[string]bool{}, make([]byte, 256<<10)
	for archive := tar.NewReader(in); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && h.Typeflag != tar.TypeReg {
			err = fmt.Errorf("%s is no file", h.Name)
		}
		if err != nil {
			return fmt.Errorf("reading what the Dagger engine copied out: %w", err)
		}
		name := path.Clean(h.Name)
		if dir := path.Dir(name); !made[dir] {
			if err := to.MkdirAll(filepath.FromSlash(dir), 0o755); err != nil {
				return err
			}
			made[dir] = true
		}
		if err := place(to, filepath.FromSlash(name), archive, buffer); err != nil {
			return err
		}
	}
}

func place(to *os.Root, name string, in io.Reader, buffer []byte) error {
	f, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, in, buffer)
	return errors.Join(err, f.Close())
}
