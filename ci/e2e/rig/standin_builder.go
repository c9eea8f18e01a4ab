package rig

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/layer"
)

// standinRecipe changes with what the builder's stand-in is made of.
const standinRecipe = 2

// certificates are what this machine trusts, which may be more than Debian does: a
// module proxy can be behind an authority of its own.
const certificates = "etc/ssl/certs/ca-certificates.crt"

// keptBuilder returns the stand-in for the builder, which it makes once per machine:
// the folder gets its name when it is complete, and tests that run beside each other
// wait for the one that makes it.
func keptBuilder(ctx context.Context, release string) (v1.ImageIndex, error) {
	trusted, err := os.ReadFile("/" + certificates)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", standinRecipe, runtime.GOARCH, trusted))
	dir := filepath.Join(cache, "slipway-e2e", "standin", fmt.Sprintf("builder-%s-%x", release, key[:6]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	unlock, err := lockedfile.MutexAt(dir + ".lock").Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if kept, err := layout.ImageIndexFromPath(dir); err == nil {
		return kept, nil
	}
	half := dir + ".new"
	if err := errors.Join(os.RemoveAll(half), os.Mkdir(half, 0o755)); err != nil {
		return nil, err
	}
	defer os.RemoveAll(half)
	image, err := newBuilder(ctx, release, trusted, half)
	if err != nil {
		return nil, err
	}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}},
	})
	oci := filepath.Join(half, "oci")
	if _, err := layout.Write(oci, index); err != nil {
		return nil, fmt.Errorf("keeping the stand-in for the builder: %w", err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(oci, dir)); err != nil {
		return nil, err
	}
	return layout.ImageIndexFromPath(dir)
}

// newBuilder makes the image: Debian, this machine's certificates and the Go release,
// configured as the real image is. It works in dir.
func newBuilder(ctx context.Context, release string, trusted []byte, dir string) (v1.Image, error) {
	tree := filepath.Join(dir, "debian.tar")
	// Without the package ca-certificates: where the machine has authorities of its own, a
	// Dagger engine runs its update-ca-certificates before and after every command, which
	// takes seconds on Debian and next to nothing in the Alpine image that this stands for.
	if err := DebianTree(ctx, tree, "git", "openssh-client"); err != nil {
		return nil, err
	}
	debian, err := tarball.LayerFromFile(tree, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	files, err := ToolchainFiles(ctx, release)
	if err != nil {
		return nil, err
	}
	// Anybody may put modules and programs here, as in the real image.
	open := fs.ModeDir | fs.ModeSticky | 0o777
	files = append(files, layer.File{Path: "go", Mode: open}, layer.File{Path: "go/bin", Mode: open}, layer.File{Path: "go/src", Mode: open},
		layer.File{Path: certificates, Mode: 0o644, Data: trusted})
	toolchain, err := layer.New(append(layer.Parents(files), files...), time.Unix(0, 0))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Env: []string{
				"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"GOLANG_VERSION=" + strings.TrimPrefix(release, "go"), "GOTOOLCHAIN=local", "GOPATH=/go",
			},
			Cmd: []string{"sh"}, WorkingDir: "/go",
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, debian, toolchain)
}

// DebianTree makes a minimal Debian system with more packages, without its manuals.
// The target is a new folder, or a tar where its name ends in .tar.
func DebianTree(ctx context.Context, target string, packages ...string) error {
	args := []string{"--quiet", "--variant=minbase", "--include=" + strings.Join(packages, ",")}
	for _, dir := range []string{"doc", "locale", "man"} {
		args = append(args, "--dpkgopt=path-exclude=/usr/share/"+dir+"/*")
	}
	text, err := exec.CommandContext(ctx, "mmdebstrap", append(args, "bookworm", target)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("making a Debian tree (apt-get install mmdebstrap; it needs root): %w: %s", err, text)
	}
	return nil
}

// ToolchainFiles are the files of a Go release, for example go1.26.9, for this
// machine's platform, below usr/local/go.
func ToolchainFiles(ctx context.Context, release string) ([]layer.File, error) {
	module := "golang.org/toolchain@v0.0.1-" + release + ".linux-" + runtime.GOARCH
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Env = os.TempDir(), append(Environ(), "GOWORK=off")
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("downloading %s: %w: %s", module, err, text)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("reading where %s lies: %w", module, err)
	}
	var files []layer.File
	err = filepath.WalkDir(m.Dir, func(source string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "go.mod" {
			return err // the go.mod files are copies that a go command has made
		}
		rel, err := filepath.Rel(m.Dir, source)
		files = append(files, toolchainFile(source, filepath.ToSlash(rel)))
		return err
	})
	return files, err
}

// toolchainFile undoes what a module zip cannot hold: x-bits and other modules.
func toolchainFile(source, rel string) layer.File {
	f := layer.File{Path: path.Join("usr/local/go", rel), Source: source, Mode: 0o644}
	if path.Base(rel) == "_go.mod" {
		f.Path = path.Join(path.Dir(f.Path), "go.mod")
	}
	if strings.HasPrefix(rel, "bin/") || strings.HasPrefix(rel, "pkg/tool/") {
		f.Mode = 0o755
	}
	return f
}
