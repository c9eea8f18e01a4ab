package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/keyless/virtual"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
	"example.com/slipway/ci/verify"
)

// slipway runs the command in a folder, with the cache that tests share.
func slipway(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	var out, said bytes.Buffer
	c := cli.Command{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said, Dir: dir,
		Env: append(os.Environ(), "SLIPWAY_CACHE="+filepath.Join(cache, "slipway-e2e"), "GIT_CONFIG_GLOBAL="+os.DevNull, "SLIPWAY_ENGINE=local"),
	}
	code = c.Run(t.Context(), args)
	return code, out.String(), said.String()
}

// What publish pushes is verified, and built again from its commit by the real engine.
func TestSample_IsVerifiedAndReproduced(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a service three times")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	image := strings.TrimPrefix(server.URL, "http://") + "/team/tide"
	private, public := signtest.Files(t)
	source, commit := repository(t, map[string]string{
		"go.mod": "module example.com/tide\n\ngo 1.25.0\n", "main.go": "package main\n\nfunc main() { println(\"06:12\") }\n",
		".slipway.yaml": "base: builtin\nport: 8080\n",
	})
	code, _, said := slipway(t, source, "publish", "--target", image, "--image-tag", "v1", "--sign-key", private, "--gate", finding.GateImage, "--gate", finding.GateLeaks)
	require.Zero(t, code, said)

	code, out, said := slipway(t, source, "verify", image+":v1", "--key", public, "--expect-commit", commit, "--rebuild", "--json")
	require.Zero(t, code, out+said)
	var r verify.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	for _, name := range []string{verify.CheckDigests, verify.CheckImage, verify.CheckSignature, verify.CheckProvenance, verify.CheckSBOM, verify.CheckRebuild} {
		c, _ := r.Check(name)
		require.Equal(t, finding.Passed, c.Outcome, "%+v", c)
	}

	// Another commit lies there now, and files of nobody's: none of it counts.
	require.NoError(t, os.WriteFile(filepath.Join(source, "main.go"), []byte("package main\n\nfunc main() { println(\"07:00\") }\n"), 0o644))
	code, out, said = slipway(t, source, "reproduce", image+"@"+r.Digest, "--key", public)
	require.Zero(t, code, out+said)
	require.Contains(t, out, "gives the same digest")

	_, stranger := signtest.Files(t)
	code, out, _ = slipway(t, source, "verify", image+":v1", "--key", stranger)
	require.Equal(t, cli.ExitGate, code)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "signed by somebody else")
}

// Identities count as keys do, by a trusted root of somebody's own.
func TestSample_IsVerifiedByAnIdentity(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds what checks certificates")
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	checker, err := keyless.Find(t.Context(), tool.Options{Env: os.Environ(), Cache: filepath.Join(cache, "slipway-e2e")}, step.Silent{}.Start(""))
	require.NoError(t, err)
	authority, err := virtual.New()
	require.NoError(t, err)
	t.Cleanup(authority.Close)
	root := filepath.Join(t.TempDir(), "root.json")
	require.NoError(t, os.WriteFile(root, authority.TrustedRoot(), 0o644))
	signer := &keyless.Signer{
		Program: checker, Services: keyless.Services{TrustedRoot: authority.TrustedRoot(), SigningConfig: authority.SigningConfig()},
		Token: func(context.Context) (string, error) { return authority.Token(builder, time.Now().Add(time.Hour)), nil },
	}
	w := published(t)
	statements := w.statements
	w.statements = nil
	w.serve(t)
	for _, s := range statements {
		d, err := signer.Sign(t.Context(), s, "sha256:"+s.Subject[0].Digest["sha256"])
		require.NoError(t, err)
		w.put(t, d)
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("identities: [{issuer: '"+virtual.Issuer+"', identity-regexp: 'https://example.com/team/tide/.*'}]\nbuilders: ['"+builder+"']\nrequire: [signature, provenance, sbom, scan]\n"), 0o644))
	image := w.host + "/team/tide:v1"
	code, out, said := slipway(t, t.TempDir(), "verify", image, "--trusted-root", root, "--policy", policy)
	require.Zero(t, code, out+said)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "signed by "+builder+" ("+virtual.Issuer+")")
	code, out, said = slipway(t, t.TempDir(), "verify", image, "--trusted-root", root, "--identity", builder+"x", "--issuer", virtual.Issuer)
	require.Equal(t, cli.ExitGate, code, out+said)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "signed by somebody else")
}
