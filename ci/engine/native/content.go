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

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/step"
)

func contentRecipe() string { return "1 " + sdkCommit }

// Places inside the image of the Go SDK.
const (
	sdkProxy = "/usr/local/share/goproxy"
	sdkGo    = "/usr/local/go"
)

// makeContent makes the image in whose containers the engine generates, compiles and
// so starts modules written in Go: an OCI layout with one image of one layer.
func (h *Host) makeContent(ctx context.Context, p parts, dir string, s step.Step) error {
	root := filepath.Join(dir, "root")
	if err := h.makeSDK(ctx, p, root, s); err != nil {
		return err
	}
	s.Log("writing the layer")
	layer, err := blob(dir, func(w io.Writer) error { return pack(ctx, w, root) })
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
	return errors.Join(os.RemoveAll(root),
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

// sdkEnviron is what containers of the Go SDK start with. What Dagger publishes has
// no entry in the checksum database for every version; go.sum files name their sums.
func sdkEnviron() []string {
	return []string{
		"PATH=/go/bin:" + sdkGo + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"GOPATH=/go", "GOTOOLCHAIN=local", "GONOSUMDB=github.com/dagger/*,dagger.io/*", "CGO_ENABLED=0",
	}
}

// makeSDK makes the image's root file system: the engine's tree, the Go release,
// the code generator and the modules that generated code asks for.
func (h *Host) makeSDK(ctx context.Context, p parts, root string, s step.Step) error {
	settings, err := h.goSettings(ctx, "GOROOT")
	if err != nil {
		return err
	}
	goRoot, codegen := filepath.Join(root, sdkGo), filepath.Join(root, "usr/local/bin/codegen")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := h.copyTree(ctx, p.tree, root); err != nil {
		return err
	}
	if err := os.MkdirAll(goRoot, 0o755); err != nil {
		return err
	}
	if err := h.copyTree(ctx, settings[0], goRoot); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(p.tools, "sdk", "codegen"))
	if err == nil {
		err = errors.Join(
			os.WriteFile(codegen, text, 0o755),
			os.MkdirAll(filepath.Join(root, "go/pkg/mod"), 0o755), os.MkdirAll(filepath.Join(root, "root/.cache/go-build"), 0o755))
	}
	if err != nil {
		return fmt.Errorf("making the Go SDK: %w", err)
	}
	return h.makeProxy(ctx, filepath.Join(root, sdkProxy), s)
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

// pack writes a folder as a tar with owners, modes and links. Devices stay out: a
// container gets its own.
func pack(ctx context.Context, w io.Writer, root string) error {
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil || file == root {
			return errors.Join(err, context.Cause(ctx))
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if d.Type()&(fs.ModeDevice|fs.ModeSocket|fs.ModeNamedPipe) != 0 {
			return nil
		}
		return packOne(tw, file, path.Clean(filepath.ToSlash(rel)), d)
	})
	return errors.Join(err, tw.Close())
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
