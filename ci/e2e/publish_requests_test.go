package e2e_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/plan"
)

// A push of what is there already asks the registry no more often than ko does, which
// says less of an image. Both put the same tags; the base is in another registry.
func TestPublish_AsksNoMoreThanKo(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	program := rig.Tool(t, "ko")
	src, base := fixture(t), pushBase(t, rig.Registry(t))
	for _, k := range []registryKind{kindOf(t, "docker-registry"), kindOf(t, "in-process, referrers")} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			h := k.open(t)
			push := func() int {
				h.publish(t, "tide", src, "--base", base).digest(t, h.repository("tide"))
				return h.asked(t)
			}
			env := append(rig.Environ(), "KO_DOCKER_REPO="+h.repository("ko"), "KO_DEFAULTBASEIMAGE="+base, "KOCACHE="+filepath.Join(cacheDir(t), "kocache"),
				"GOFLAGS=-buildvcs=false", "DOCKER_CONFIG="+t.TempDir())
			ko := func(sbom string) int {
				rig.Must(t, src, env, program, "build", "--bare", "--platform", "linux/amd64,linux/arm64", "--tags", "1.4.0,1.4,1,latest", "--sbom", sbom, "./cmd/tide")
				return h.asked(t)
			}
			first, again := push(), push()
			bare, bareAgain := ko("none"), ko("none")
			_, theirs := ko("spdx"), ko("spdx")
			t.Logf("requests: first push %d (ko without an SBOM %d), nothing changed %d (ko with an SBOM %d, without %d)", first, bare, again, theirs, bareAgain)
			require.LessOrEqual(t, again, theirs)
		})
	}
}

// asked counts the requests since it was last asked, and shows them by kind.
func (h *harborage) asked(t *testing.T) int {
	t.Helper()
	kinds := map[rig.Kind]int{}
	seen := h.Proxy.Take()
	for _, r := range seen {
		kinds[r.Kind]++
	}
	t.Log(kinds)
	return len(seen)
}

// pushBase puts a base of two platforms into a registry and returns its pin.
func pushBase(t *testing.T, address string) string {
	t.Helper()
	index, err := builtin.Index([]plan.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}})
	require.NoError(t, err)
	tag, err := name.NewTag(address + "/base:nonroot")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(tag, index, remote.WithContext(t.Context())))
	digest, err := index.Digest()
	require.NoError(t, err)
	return tag.String() + "@" + digest.String()
}
