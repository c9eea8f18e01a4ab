package rig

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// Trivy is the real scanner of the version that Slipway pins, in the cache folder that
// tests share. Where no earlier run built it, that takes minutes.
func Trivy(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 25*time.Minute)
	defer cancel()
	program, err := tool.Trivy().Install(ctx, tool.Options{Env: Environ(), Cache: filepath.Join(cache, "slipway-e2e")}, step.Silent{}.Start(""))
	Need(t, err == nil, "building Trivy: %v", err)
	return program
}

// Scanner puts an image of the real scanner into the registry and returns its
// pin, as --scanner takes it.
func (s *Standins) Scanner(t *testing.T) string {
	t.Helper()
	return PushScanner(t, s.Address, Trivy(t)).String()
}

// PushScanner puts an image of a scanner into a registry that is a mirror of the one
// that Slipway's pin names, under its name and tag, and returns the image's pin. The
// image stands in for the real one: the program at the same place, without a shell. It
// has to be static. More files go into the same folder.
func PushScanner(t *testing.T, address, program string, more ...string) plan.Pin {
	t.Helper()
	trusted, err := os.ReadFile("/" + certificates)
	require.NoError(t, err)
	files := []layer.File{
		{Path: "usr/local/bin/trivy", Source: program, Mode: 0o755}, {Path: certificates, Mode: 0o644, Data: trusted},
		{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
	}
	for _, file := range more {
		files = append(files, layer.File{Path: "usr/local/bin/" + filepath.Base(file), Source: file, Mode: 0o644})
	}
	content, err := layer.New(append(layer.Parents(files), files...), time.Unix(0, 0))
	require.NoError(t, err)
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Entrypoint: []string{"trivy"}},
	})
	require.NoError(t, err)
	image, err = mutate.AppendLayers(image, content)
	require.NoError(t, err)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}},
	})
	pin, err := pins.Scanner()
	require.NoError(t, err)
	named, err := name.NewTag(pin.Name + ":" + pin.Tag)
	require.NoError(t, err)
	tag, err := name.NewTag(address + "/" + named.RepositoryStr() + ":" + named.TagStr())
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(tag, index, remote.WithContext(t.Context())))
	digest, err := index.Digest()
	require.NoError(t, err)
	pin.Digest = digest.String()
	return pin
}

// ScannerMirror are the arguments that let an engine take a scanner from a registry.
func ScannerMirror(address string) []string { return []string{"--mirror", "ghcr.io=" + address} }
