package rig

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
)

// Standins is a registry that has an image in the place of each of the two that
// Slipway's pins name, under the same names and tags. Their digests are others: the
// real images cannot be had where no public registry is reachable.
type Standins struct {
	// Address is the registry's host and port. It speaks plain HTTP.
	Address string
	// Builder and Base are pins, as --builder and --base take them.
	Builder, Base string
}

// NewStandins starts a registry on a host of this machine and seeds it: "127.0.0.1"
// where nobody else must reach it, "0.0.0.0" for every address.
func NewStandins(t *testing.T, host string) *Standins {
	t.Helper()
	images, err := MakeStandins(context.WithoutCancel(t.Context()))
	Need(t, err == nil, "making the stand-ins for the pinned images: %v", err)
	address := RegistryOn(t, host)
	require.NoError(t, images.Push(context.WithoutCancel(t.Context()), address))
	return &Standins{Address: address, Builder: images.Builder.String(), Base: images.Base.String()}
}

// Mirrors are the arguments that let slipway take the images from the registry.
func (s *Standins) Mirrors() []string {
	return append([]string{"--mirror", "docker.io=" + s.Address, "--mirror", "gcr.io=" + s.Address}, ScannerMirror(s.Address)...)
}

// Images are the stand-ins before they are in a registry: as the builder a Debian
// tree with the pinned Go release, for the platform of this machine, and as the base
// the one that is embedded in Slipway.
type Images struct {
	// Builder and Base are named and tagged as Slipway's pins are.
	Builder, Base plan.Pin

	builder, base v1.ImageIndex
}

// pair is an image with its pin.
type pair struct {
	index v1.ImageIndex
	pin   *plan.Pin
}

func (i *Images) pairs() []pair { return []pair{{i.builder, &i.Builder}, {i.base, &i.Base}} }

// MakeStandins makes the images. The builder takes a minute or two, needs root,
// mmdebstrap and a module proxy, and is kept in the user's cache folder.
func MakeStandins(ctx context.Context) (*Images, error) {
	pinned, err := ownPins()
	if err != nil {
		return nil, err
	}
	release, err := pinned.GoVersion()
	if err != nil {
		return nil, err
	}
	i := &Images{Builder: pinned.Builder, Base: pinned.Base}
	if i.builder, err = keptBuilder(ctx, "go"+release); err != nil {
		return nil, err
	}
	i.base, err = builtin.Index([]plan.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}, {OS: "linux", Arch: "arm", Variant: "v7"}})
	if err != nil {
		return nil, err
	}
	for _, p := range i.pairs() {
		digest, err := p.index.Digest()
		if err != nil {
			return nil, err
		}
		p.pin.Digest = digest.String()
	}
	return i, nil
}

// Push puts the images into a registry that is a mirror of theirs.
func (i *Images) Push(ctx context.Context, address string) error {
	for _, p := range i.pairs() {
		// golang is short for library/golang of Docker Hub.
		named, err := name.NewTag(p.pin.Name + ":" + p.pin.Tag)
		if err != nil {
			return err
		}
		tag, err := name.NewTag(address + "/" + named.RepositoryStr() + ":" + named.TagStr())
		if err != nil {
			return err
		}
		if err := remote.WriteIndex(tag, p.index, remote.WithContext(ctx)); err != nil {
			return fmt.Errorf("pushing the stand-in for %s: %w", p.pin.Name, err)
		}
	}
	return nil
}

// ownPins are those of a folder that has no Dockerfile.
func ownPins() (pins.Pins, error) {
	dir, err := os.MkdirTemp("", "slipway-pins-")
	if err != nil {
		return pins.Pins{}, err
	}
	defer os.RemoveAll(dir)
	return pins.Read(dir)
}
