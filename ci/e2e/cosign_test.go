package e2e_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	noise "github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/keyless/virtual"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// cosign is the stock program, in an environment of its own.
type cosign struct {
	program, dir string
	env          []string
}

// cosignPassword opens the keys that cosign makes in tests.
const cosignPassword = "correct horse"

func newCosign(t *testing.T) cosign {
	t.Helper()
	dir := t.TempDir()
	return cosign{program: rig.Tool(t, "cosign"), dir: dir, env: []string{
		"HOME=" + dir, "DOCKER_CONFIG=" + dir, "TUF_ROOT=" + dir, "PATH=" + os.Getenv("PATH"), "COSIGN_PASSWORD=" + cosignPassword,
	}}
}

func (c cosign) run(t *testing.T, args ...string) rig.Result {
	t.Helper()
	return rig.Run(t, c.dir, c.env, c.program, args...)
}

func (c cosign) must(t *testing.T, args ...string) string {
	t.Helper()
	return rig.Must(t, c.dir, c.env, c.program, args...)
}

// generate makes a key pair, and returns the signer and the file of the public key.
func (c cosign) generate(t *testing.T) (*sign.Key, string) {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "pair")
	c.must(t, "generate-key-pair", "--output-key-prefix", prefix)
	key, err := sign.Source{Name: prefix + ".key", Getenv: func(string) string { return cosignPassword }}.Key()
	require.NoError(t, err)
	return key, prefix + ".pub"
}

// signable is an image in a registry to which attestations are attached.
type signable struct {
	ref        name.Digest
	descriptor v1.Descriptor
}

func pushSignable(t *testing.T, address string) signable {
	t.Helper()
	index, err := noise.Index(512, 1, 2)
	require.NoError(t, err)
	digest, err := index.Digest()
	require.NoError(t, err)
	ref, err := name.NewDigest(address + "/signed@" + digest.String())
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index))
	described, err := remote.Head(ref)
	require.NoError(t, err)
	return signable{ref, *described}
}

// attach puts a document beside the image as cosign does: an artifact manifest whose
// subject is the image.
func (s signable) attach(t *testing.T, doc attest.Document) {
	t.Helper()
	layer := static.NewLayer(doc.Content, types.MediaType(doc.MediaType))
	config := static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json")
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: doc.MediaType, Config: described(t, config),
		Layers: []v1.Descriptor{described(t, layer)}, Subject: &s.descriptor,
		Annotations: map[string]string{
			"org.opencontainers.image.created":  "1970-01-01T00:00:00Z",
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": doc.PredicateType,
		},
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	for _, each := range []v1.Layer{config, layer} {
		require.NoError(t, remote.WriteLayer(s.ref.Repository, each))
	}
	hash, _, err := v1.SHA256(bytes.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, remote.Put(s.ref.Digest(hash.String()), artifact(text)))
}

// artifact is a manifest that go-containerregistry pushes, with what points to it where
// the registry has no referrers API.
type artifact []byte

func (a artifact) RawManifest() ([]byte, error)        { return a, nil }
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func described(t *testing.T, layer v1.Layer) v1.Descriptor {
	t.Helper()
	digest, err := layer.Digest()
	require.NoError(t, err)
	size, err := layer.Size()
	require.NoError(t, err)
	mediaType, err := layer.MediaType()
	require.NoError(t, err)
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}
}

// attest signs a statement about the image and attaches it.
func (s signable) attest(t *testing.T, signer sign.Signer, predicateType string, predicate any) attest.Document {
	t.Helper()
	statement, err := attest.New(predicateType, predicate, s.descriptor.Digest.String())
	require.NoError(t, err)
	doc, err := signer.Sign(t.Context(), statement, s.descriptor.Digest.String())
	require.NoError(t, err)
	s.attach(t, doc)
	return doc
}

// predicates are attestations by the name that cosign has for their type.
var predicates = map[string]struct {
	predicateType string
	predicate     any
}{
	"slsaprovenance1": {attest.Provenance, map[string]any{"buildDefinition": map[string]any{}, "runDetails": map[string]any{}}},
	"spdxjson":        {attest.SPDX, map[string]any{"spdxVersion": "SPDX-2.3"}},
	"cyclonedx":       {attest.CycloneDX, map[string]any{"bomFormat": "CycloneDX"}},
	"openvex":         {attest.OpenVEX, map[string]any{"@context": "https://openvex.dev/ns/v0.2.0"}},
	"vuln":            {attest.Scan, map[string]any{"scanner": map[string]any{}}},
}

func TestCosign_VerifiesWhatAKeySigned(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	c := newCosign(t)
	s := pushSignable(t, rig.Registry(t))
	key, public := c.generate(t)
	_, stranger := c.generate(t)
	require.NotZero(t, c.run(t, "verify", "--key", public, "--insecure-ignore-tlog", s.ref.String()).Code, "nothing is signed yet")
	s.attest(t, key, attest.Signature, struct{}{})
	c.must(t, "verify", "--key", public, "--insecure-ignore-tlog", s.ref.String())
	require.NotZero(t, c.run(t, "verify", "--key", stranger, "--insecure-ignore-tlog", s.ref.String()).Code)
	for name, p := range predicates {
		s.attest(t, key, p.predicateType, p.predicate)
		said := c.must(t, "verify-attestation", "--key", public, "--insecure-ignore-tlog", "--type", name, s.ref.String())
		require.Contains(t, said, `"payloadType":"application/vnd.in-toto+json"`, name)
		refused := c.run(t, "verify-attestation", "--key", stranger, "--insecure-ignore-tlog", "--type", name, s.ref.String())
		require.NotZero(t, refused.Code, name)
	}
	// What nobody signed may lie beside it.
	unsigned, err := attest.New(attest.SPDX, struct{}{}, s.ref.DigestStr())
	require.NoError(t, err)
	text, err := unsigned.Encode()
	require.NoError(t, err)
	s.attach(t, attest.Document{Subject: s.ref.DigestStr(), PredicateType: attest.SPDX, MediaType: attest.MediaType, Content: text})
	c.must(t, "verify", "--key", public, "--insecure-ignore-tlog", s.ref.String())
	c.must(t, "verify-attestation", "--key", public, "--insecure-ignore-tlog", "--type", "spdxjson", s.ref.String())
}

func TestCosign_VerifiesEveryKindOfKey(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	c := newCosign(t)
	s := pushSignable(t, rig.Registry(t))
	for name, private := range privateKeys(t) {
		der, err := x509.MarshalPKIXPublicKey(private.Public())
		require.NoError(t, err)
		public := filepath.Join(t.TempDir(), "key.pub")
		require.NoError(t, os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
		key, err := sign.NewKey(private)
		require.NoError(t, err)
		s.attest(t, key, attest.Signature, struct{}{})
		s.attest(t, key, attest.Provenance, struct{}{})
		for _, args := range [][]string{{"verify"}, {"verify-attestation", "--type", "slsaprovenance1"}} {
			r := c.run(t, append(args, "--key", public, "--insecure-ignore-tlog", s.ref.String())...)
			require.Zero(t, r.Code, "%s: %s", name, r.Stderr)
		}
	}
}

func TestSign_VerifiesWhatCosignSigned(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	c := newCosign(t)
	s := pushSignable(t, rig.Registry(t))
	for name, private := range privateKeys(t) {
		plain := filepath.Join(t.TempDir(), "plain.pem")
		prefix := filepath.Join(t.TempDir(), "pair")
		der, err := x509.MarshalPKCS8PrivateKey(private)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(plain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
		c.must(t, "import-key-pair", "--key", plain, "--output-key-prefix", prefix)
		key, err := sign.Source{Name: prefix + ".key", Getenv: func(string) string { return cosignPassword }}.Key()
		require.NoError(t, err)
		public, err := sign.Source{Name: prefix + ".pub"}.Public()
		require.NoError(t, err)
		require.Equal(t, key.Public(), public)
		bundle := filepath.Join(t.TempDir(), "bundle.json")
		c.must(t, "sign", "--yes", "--key", prefix+".key", "--use-signing-config=false", "--tlog-upload=false", "--bundle", bundle, s.ref.String())
		text, err := os.ReadFile(bundle)
		require.NoError(t, err)
		_, who, err := sign.Trust{Keys: []crypto.PublicKey{public}}.Verify(t.Context(), text, sign.Claim{Subject: s.ref.DigestStr(), PredicateType: attest.Signature})
		require.NoError(t, err, name)
		require.Contains(t, string(text), who.Key, "cosign names the key otherwise")
	}
}

func privateKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	all := map[string]crypto.Signer{}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		all[name] = key
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	all["Ed25519"] = key
	all["RSA"], err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return all
}

// The services are a Sigstore of the test's own: the public one cannot be reached.
func TestCosign_VerifiesWhatAnIdentitySigned(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	const workflow = "https://github.com/acme/service/.github/workflows/publish.yml@refs/heads/main"
	c := newCosign(t)
	s := pushSignable(t, rig.Registry(t))
	services, err := virtual.New()
	require.NoError(t, err)
	t.Cleanup(services.Close)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	program, err := keyless.Find(t.Context(), tool.Options{Env: rig.Environ(), Cache: filepath.Join(cache, "slipway-e2e")}, step.Silent{}.Start(""))
	require.NoError(t, err)
	signer := &keyless.Signer{
		Program: program, Services: keyless.Services{TrustedRoot: services.TrustedRoot(), SigningConfig: services.SigningConfig()},
		Token: func(context.Context) (string, error) { return services.Token(workflow, time.Now().Add(time.Hour)), nil },
	}
	root := filepath.Join(t.TempDir(), "trusted_root.json")
	require.NoError(t, os.WriteFile(root, services.TrustedRoot(), 0o600))
	verify := func(identity, issuer string, args ...string) rig.Result {
		return c.run(t, append(args, "--trusted-root", root, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, s.ref.String())...)
	}
	s.attest(t, signer, attest.Signature, struct{}{})
	r := verify(workflow, virtual.Issuer, "verify")
	require.Zero(t, r.Code, r.Stderr)
	require.NotZero(t, verify("https://github.com/acme/other", virtual.Issuer, "verify").Code)
	require.NotZero(t, verify(workflow, "https://token.example.com", "verify").Code)
	for name, p := range predicates {
		s.attest(t, signer, p.predicateType, p.predicate)
		r := verify(workflow, virtual.Issuer, "verify-attestation", "--type", name)
		require.Zero(t, r.Code, "%s: %s", name, r.Stderr)
	}
	// The other way round, with the services that cosign finds by the same file.
	config, token, bundle := filepath.Join(c.dir, "config.json"), filepath.Join(c.dir, "token"), filepath.Join(c.dir, "bundle.json")
	require.NoError(t, os.WriteFile(config, services.SigningConfig(), 0o600))
	require.NoError(t, os.WriteFile(token, []byte(services.Token(workflow, time.Now().Add(time.Hour))), 0o600))
	c.must(t, "sign", "--yes", "--signing-config", config, "--trusted-root", root, "--identity-token", token, "--bundle", bundle, s.ref.String())
	text, err := os.ReadFile(bundle)
	require.NoError(t, err)
	trust := keyless.Trust{Program: program, Root: services.TrustedRoot(), Name: workflow, Issuer: virtual.Issuer}
	_, who, err := trust.Verify(t.Context(), text, sign.Claim{Subject: s.ref.DigestStr(), PredicateType: attest.Signature})
	require.NoError(t, err)
	require.Equal(t, workflow, who.Name)
}
