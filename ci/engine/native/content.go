package native

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/step"
)

// contentRecipe is all that decides the Go SDK, other than its tree and its tools.
func contentRecipe() string { return "2" + sdkCommit + sdkModule + sdkSums + sdkProgram }

// makeContent makes the image in whose containers the engine generates, compiles and
// so starts modules written in Go: an OCI layout with one image of one layer.
func (h *Host) makeContent(ctx context.Context, p parts, dir string, log step.Step) error {
	settings, err := h.goSettings(ctx, "GOROOT")
	if err != nil {
		return err
	}
	s := sdk{tree: p.tree, goRoot: settings[0], codegen: filepath.Join(p.tools, "sdk", "codegen"), half: filepath.Join(dir, "half")}
	if err := h.sdkModules(ctx, s, log); err != nil {
		return err
	}
	if err := h.warm(ctx, s, log); err != nil {
		return err
	}
	layer, err := blob(dir, func(w io.Writer) error { return s.pack(ctx, w) })
	if err != nil {
		return fmt.Errorf("writing the layer of the Go SDK: %w", err)
	}
	layer.MediaType = types.OCIUncompressedLayer
	config, err := jsonBlob(dir, v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{layer.Digest}},
		Config: v1.Config{Env: sdkEnviron()},
	})
	if err != nil {
		return err
	}
	config.MediaType = types.OCIConfigJSON
	manifest, err := jsonBlob(dir, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{layer}})
	if err != nil {
		return err
	}
	manifest.MediaType = types.OCIManifestSchema1
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{manifest}})
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(s.half),
		// The engine makes this folder where it is missing, and may not write here.
		os.Mkdir(filepath.Join(dir, "ingest"), 0o755),
		os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644),
		os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644))
}

// sdkDigest reads which image a layout has.
func sdkDigest(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return "", err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil || len(index.Manifests) != 1 {
		return "", fmt.Errorf("reading %s: it is not the index of one image", filepath.Join(dir, "index.json"))
	}
	return index.Manifests[0].Digest.String(), nil
}

// blob writes one blob of a layout.
func blob(dir string, fill func(io.Writer) error) (v1.Descriptor, error) {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return v1.Descriptor{}, err
	}
	f, err := os.CreateTemp(blobs, ".new-*")
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer f.Close()
	hash := sha256.New()
	if err := fill(io.MultiWriter(f, hash)); err != nil {
		return v1.Descriptor{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return v1.Descriptor{}, err
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", hash.Sum(nil))}
	return v1.Descriptor{Digest: digest, Size: info.Size()}, errors.Join(f.Chmod(0o644), os.Rename(f.Name(), filepath.Join(blobs, digest.Hex)))
}

func jsonBlob(dir string, value any) (v1.Descriptor, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return blob(dir, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// updateCertificates is left out of the image. The engine runs it before and after each
// container that it has certificates for, which takes a second or two; where it is
// missing, the engine adds them to the bundle by itself.
const updateCertificates = "usr/sbin/update-ca-certificates"

// pack writes the image's file system as a tar.
func (s sdk) pack(ctx context.Context, w io.Writer) error {
	tw := tar.NewWriter(w)
	for _, part := range []struct{ from, to string }{
		{s.tree, "/"}, {s.goRoot, sdkGo}, {s.codegen, "/usr/local/bin/codegen"},
		{s.proxy(), sdkProxy}, {s.path(), sdkPath}, {s.cache(), sdkCache},
	} {
		if err := pack(ctx, tw, part.from, part.to); err != nil {
			return err
		}
	}
	return tw.Close()
}

// pack writes a file or a folder under another name, with owners, modes and links.
// Devices stay out: a container gets its own.
func pack(ctx context.Context, tw *tar.Writer, from, to string) error {
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Join(to, filepath.ToSlash(rel)), "/")
		if name == "" || name == updateCertificates || d.Type()&(fs.ModeDevice|fs.ModeSocket|fs.ModeNamedPipe) != 0 {
			return nil
		}
		return packOne(tw, file, name, d)
	})
}

func packOne(tw *tar.Writer, file, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(file); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name, header.Uname, header.Gname, header.Format = name, "", "", tar.FormatPAX
	if d.IsDir() {
		header.Name += "/"
	}
	if err := tw.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f)
	return err
}
