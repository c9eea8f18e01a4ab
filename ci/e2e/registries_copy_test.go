package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// requireCopies wants stock tools to find an image and what refers to it, of one type
// at least, and to copy both to another registry with the same digests.
func (h *harborage) requireCopies(t *testing.T, image, artifactType string) {
	t.Helper()
	crane, oras, skopeo := rig.Tool(t, "crane"), rig.Tool(t, "oras"), rig.Program(t, "skopeo", "skopeo")
	env := append(rig.Environ(), h.env...)
	var fromPlain, fromOpen []string
	if h.Certificate == "" {
		fromPlain, fromOpen = []string{"--from-plain-http"}, []string{"--src-tls-verify=false"}
	}
	repository, digest, _ := strings.Cut(image, "@")
	to := rig.Registry(t)

	rig.Must(t, "", env, crane, "validate", "--remote", image)
	found := orasDiscover(t, env, oras, image, h.Certificate == "")
	require.Contains(t, found, h.artifactType(artifactType))

	copied := to + "/by/oras"
	call := append([]string{"copy", "--recursive", "--to-plain-http", image, copied + ":copied"}, fromPlain...)
	rig.Must(t, "", env, oras, call...)
	require.Equal(t, digest, rig.Must(t, "", env, crane, "digest", copied+":copied"))
	require.Equal(t, found[h.artifactType(artifactType)], orasDiscover(t, env, oras, copied+"@"+digest, true)[artifactType])

	copied = to + "/by/skopeo"
	env = append(env, "REGISTRY_AUTH_FILE="+filepath.Join(h.DockerConfig(t, rig.Writer), "config.json"))
	for _, d := range append(found[h.artifactType(artifactType)], digest) {
		call := append([]string{"--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false",
			"docker://" + repository + "@" + d, "docker://" + copied + ":copied"}, fromOpen...)
		rig.Must(t, "", env, skopeo, call...)
		require.Equal(t, d, rig.Must(t, "", env, crane, "digest", copied+":copied"))
	}
}

// orasDiscover returns the digests of what refers to an image, by its type.
func orasDiscover(t *testing.T, env []string, oras, image string, plain bool) map[string][]string {
	t.Helper()
	call := []string{"discover", "--format", "json", image}
	if plain {
		call = append(call, "--plain-http")
	}
	var said struct {
		Referrers []struct{ ArtifactType, Digest string }
	}
	text := rig.Must(t, "", env, oras, call...)
	require.NoError(t, json.Unmarshal([]byte(text), &said), text)
	found := map[string][]string{}
	for _, r := range said.Referrers {
		found[r.ArtifactType] = append(found[r.ArtifactType], r.Digest)
	}
	for _, digests := range found {
		slices.Sort(digests)
	}
	return found
}
