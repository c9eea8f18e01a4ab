package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/replay"
)

// older is a Go release before the pinned one. The local engine takes nothing of a
// builder's pin but the release.
const older = "golang:1.26.8-alpine@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

// A run of other pins is made again with the pins of here, and that is what is named.
func TestReproduce_NamesTheInputThatDiffers(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	images := rig.NewStandins(t, "127.0.0.1")
	src := fixture(t)
	for name, c := range map[string]struct {
		there []string
		want  []replay.Difference
	}{
		"the base's digest": {[]string{"--base", anotherBase(t, images)}, []replay.Difference{
			{Input: "base", There: anotherBase(t, images), Here: images.Base},
		}},
		"the Go release": {[]string{"--builder", older}, []replay.Difference{
			{Input: "Go release", There: "go1.26.8", Here: "go1.26.9"}, {Input: "builder", There: older, Here: images.Builder},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			pins := []string{"--builder", images.Builder, "--base", images.Base, "--platform", "linux/amd64"}
			check := slices.Concat([]string{"check", "--gate", "image", "--engine", "local", "--src", src, "--output", out}, images.Mirrors(), pins, c.there)
			first := rig.Run(t, "", environment(t), slipway(t), check...)
			require.Zero(t, first.Code, first.Stderr)
			again := slices.Concat([]string{"reproduce", "--engine", "local", "--src", src, "--json"}, images.Mirrors(), pins, []string{filepath.Join(out, "report", "receipt.json")})
			r := rig.Run(t, "", environment(t), slipway(t), again...)
			require.Equal(t, 20, r.Code, "%s%s", r.Stdout, r.Stderr)
			var said replay.Result
			require.NoError(t, json.Unmarshal([]byte(r.Stdout), &said))
			require.Equal(t, replay.Otherwise, said.Outcome)
			require.Equal(t, c.want, said.Differences)
		})
	}
}

// anotherBase puts an image with the same files and another digest into the registry.
func anotherBase(t *testing.T, images *rig.Standins) string {
	t.Helper()
	pinned, digest, _ := strings.Cut(images.Base, "@")
	repository, err := name.NewRepository(images.Address + "/" + strings.TrimPrefix(pinned[:strings.LastIndexByte(pinned, ':')], "gcr.io/"))
	require.NoError(t, err)
	index, err := remote.Index(repository.Digest(digest))
	require.NoError(t, err)
	index = mutate.Annotations(index, map[string]string{"com.example.rebuilt": "true"}).(v1.ImageIndex)
	made, err := index.Digest()
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(repository.Digest(made.String()), index))
	return pinned + "@" + made.String()
}
