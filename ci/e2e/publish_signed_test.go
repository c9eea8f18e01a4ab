package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/keyless/virtual"
	"example.com/slipway/ci/e2e/rig"
)

// signedBy is a job that publishes with its own identity.
const signedBy = "https://github.com/acme/tide/.github/workflows/release.yml@refs/tags/v1.4.0"

// What a job publishes with its identity, cosign and verify accept as that identity's and
// no other's; where the authority refuses, no tag is there.
func TestPublish_SignedWithoutAKey(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	services, err := virtual.New()
	require.NoError(t, err)
	t.Cleanup(services.Close)
	dir, src := t.TempDir(), fixture(t)
	root, config := filepath.Join(dir, "trusted_root.json"), filepath.Join(dir, "signing_config.json")
	require.NoError(t, os.WriteFile(root, services.TrustedRoot(), 0o600))
	require.NoError(t, os.WriteFile(config, services.SigningConfig(), 0o600))
	registry := rig.Registry(t)
	publish := func(repository string) rig.Result {
		token := services.Token(signedBy, time.Now().Add(time.Hour))
		r := rig.Run(t, "", environment(t, "SIGSTORE_ID_TOKEN="+token), slipway(t), publishArgs(src, t.TempDir(), registry+"/"+repository,
			"--sign", "auto", "--signing-config", config, "--trusted-root", root)...)
		require.NotContains(t, r.Stdout+r.Stderr, token)
		return r
	}
	r := publish("team/tide")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "6 of 6 attestations attached")
	require.Contains(t, publish("team/tide").Stderr, "all are there")

	image := registry + "/team/tide:1.4.0"
	cosign := []string{"verify", "--trusted-root", root, "--certificate-identity", signedBy, "--certificate-oidc-issuer", virtual.Issuer, image}
	home := append(rig.Environ(), "HOME="+dir)
	rig.Must(t, "", home, rig.Tool(t, "cosign"), cosign...)
	verify := func(identity string) rig.Result {
		return rig.Run(t, "", environment(t), slipway(t), "verify", "--trusted-root", root, "--identity", identity, "--issuer", virtual.Issuer, image)
	}
	r = verify(signedBy)
	require.Zero(t, r.Code, "%s%s", r.Stdout, r.Stderr)
	require.Regexp(t, `signature +passed +signed by\s`, r.Stdout)
	r = verify(strings.Replace(signedBy, "acme", "evil", 1))
	require.Equal(t, 20, r.Code, r.Stdout)
	require.Regexp(t, `signature +failed`, r.Stdout)

	services.Around(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	r = publish("team/refused")
	require.Equal(t, 30, r.Code, r.Stderr)
	require.Contains(t, sentence(t, r), "certificate")
	answer, err := http.Get("http://" + registry + "/v2/team/refused/tags/list")
	require.NoError(t, err)
	defer answer.Body.Close()
	var listed [4096]byte
	n, _ := answer.Body.Read(listed[:])
	require.NotContains(t, string(listed[:n]), "1.4.0")
}
