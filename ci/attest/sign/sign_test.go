package sign_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
)

var (
	subject = "sha256:" + strings.Repeat("a", 64)
	other   = "sha256:" + strings.Repeat("b", 64)
)

// keys are private keys of every kind, by name.
func keys(t *testing.T) map[string]crypto.Signer {
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

func signed(t *testing.T, key sign.Signer) []byte {
	t.Helper()
	s, err := attest.New(attest.Provenance, map[string]string{"a": "<b>"}, subject)
	require.NoError(t, err)
	doc, err := key.Sign(t.Context(), s, subject)
	require.NoError(t, err)
	return doc.Content
}

func TestKey_SignsWhatItsPublicKeyVerifies(t *testing.T) {
	t.Parallel()
	for name, private := range keys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := sign.NewKey(private)
			require.NoError(t, err)
			s, err := attest.New(attest.Provenance, map[string]int{"a": 1}, other, subject)
			require.NoError(t, err)
			doc, err := key.Sign(t.Context(), s, subject)
			require.NoError(t, err)
			require.Equal(t, attest.BundleMediaType, doc.MediaType)
			require.Equal(t, attest.Provenance, doc.PredicateType)
			require.Equal(t, subject, doc.Subject)

			got, who, err := signtest.Trust(signtest.Key(t), key).Verify(t.Context(), doc.Content, sign.Claim{Subject: subject, PredicateType: attest.Provenance})
			require.NoError(t, err)
			require.Equal(t, s, got)
			name, err := sign.Fingerprint(private.Public())
			require.NoError(t, err)
			require.Equal(t, sign.Identity{Key: name}, who)

			again, err := key.Sign(t.Context(), s, subject)
			require.NoError(t, err)
			require.Equal(t, string(doc.Content), string(again.Content), "a second signature has other bytes")
		})
	}
}

func TestKey_SignsNothingAboutAnotherImage(t *testing.T) {
	t.Parallel()
	s, err := sign.Image(subject)
	require.NoError(t, err)
	_, err = signtest.Key(t).Sign(t.Context(), s, other)
	require.ErrorContains(t, err, "it is not about "+other)
}

func TestKey_PrintsItsPublicNameOnly(t *testing.T) {
	t.Parallel()
	key := signtest.Key(t)
	name, err := sign.Fingerprint(key.Public())
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "key "+name, fmt.Sprintf(verb, key))
	}
}

func TestNewKey_RefusesWhatProtectsNothing(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1536)
	require.NoError(t, err)
	_, err = sign.NewKey(small)
	require.ErrorContains(t, err, "it has 1536 bits")
	curve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	_, err = sign.NewKey(curve)
	require.ErrorContains(t, err, "its curve is not")
}

// The form is cosign's: https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
func TestBundle_HasTheFormOfSigstores(t *testing.T) {
	t.Parallel()
	key := signtest.Key(t)
	s, err := sign.Image(subject)
	require.NoError(t, err)
	doc, err := key.Sign(t.Context(), s, subject)
	require.NoError(t, err)
	name, err := sign.Fingerprint(key.Public())
	require.NoError(t, err)
	payload := base64.StdEncoding.EncodeToString([]byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + subject[7:] +
		`"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`))
	var b struct {
		Envelope struct{ Signatures []struct{ Sig string } } `json:"dsseEnvelope"`
	}
	require.NoError(t, json.Unmarshal(doc.Content, &b))
	require.Len(t, b.Envelope.Signatures, 1)
	require.Equal(t, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"`+name+`"}},`+
		`"dsseEnvelope":{"payload":"`+payload+`","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"`+b.Envelope.Signatures[0].Sig+`"}]}}`, string(doc.Content))
}

func TestTrust_RefusesWhatItWasNotToldToTrust(t *testing.T) {
	t.Parallel()
	key, stranger := signtest.Key(t), signtest.Key(t)
	good := signed(t, key)
	hint, err := sign.Fingerprint(key.Public())
	require.NoError(t, err)
	statement, err := attest.New(attest.Provenance, nil, subject)
	require.NoError(t, err)
	unsigned, err := statement.Encode()
	require.NoError(t, err)
	sure := sign.Claim{Subject: subject, PredicateType: attest.Provenance}
	for name, c := range map[string]struct {
		bundle []byte
		trust  *sign.Trust
		claim  sign.Claim
		err    error
	}{
		"another key":                        {good, signtest.Trust(stranger), sure, sign.ErrSigner},
		"no key":                             {good, signtest.Trust(), sure, sign.ErrSigner},
		"a stranger who names our key":       {edit(t, signed(t, stranger), "verificationMaterial.publicKey.hint", hint), signtest.Trust(key), sure, sign.ErrAltered},
		"another image":                      {good, signtest.Trust(key), sign.Claim{Subject: other}, sign.ErrSubject},
		"another statement":                  {good, signtest.Trust(key), sign.Claim{Subject: subject, PredicateType: attest.SPDX}, sign.ErrPredicate},
		"an altered payload":                 {edit(t, good, "dsseEnvelope.payload", bytes.ReplaceAll(unsigned, []byte("null"), []byte("[]"))), signtest.Trust(key), sure, sign.ErrAltered},
		"another payload's type":             {edit(t, good, "dsseEnvelope.payloadType", "text/plain"), signtest.Trust(key), sure, sign.ErrMalformed},
		"an altered signature":               {edit(t, good, "dsseEnvelope.signatures.0.sig", []byte("nonsense")), signtest.Trust(key), sure, sign.ErrAltered},
		"no signature":                       {edit(t, good, "dsseEnvelope.signatures", []any{}), signtest.Trust(key), sure, sign.ErrNoSignature},
		"an empty signature":                 {edit(t, good, "dsseEnvelope.signatures.0.sig", ""), signtest.Trust(key), sure, sign.ErrNoSignature},
		"two signatures":                     {edit(t, good, "dsseEnvelope.signatures", []any{map[string]any{"sig": "YQ=="}, map[string]any{"sig": "YQ=="}}), signtest.Trust(key), sure, sign.ErrMalformed},
		"no envelope":                        {edit(t, good, "dsseEnvelope", nil), signtest.Trust(key), sure, sign.ErrMalformed},
		"a certificate":                      {edit(t, good, "verificationMaterial", map[string]any{"certificate": map[string]any{"rawBytes": "YQ=="}}), signtest.Trust(key), sure, sign.ErrSigner},
		"an unsigned statement":              {unsigned, signtest.Trust(key), sure, sign.ErrNoSignature},
		"another form":                       {edit(t, good, "mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1"), signtest.Trust(key), sure, sign.ErrMalformed},
		"nothing":                            {nil, signtest.Trust(key), sure, sign.ErrMalformed},
		"a list":                             {[]byte("[]"), signtest.Trust(key), sure, sign.ErrMalformed},
		"half a bundle":                      {good[:len(good)/2], signtest.Trust(key), sure, sign.ErrMalformed},
		"more than one bundle":               {append(bytes.Clone(good), good...), signtest.Trust(key), sure, sign.ErrMalformed},
		"the signature of another statement": {edit(t, good, "dsseEnvelope.signatures.0.sig", sigOf(t, signedImage(t, key))), signtest.Trust(key), sure, sign.ErrAltered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, who, err := c.trust.Verify(t.Context(), c.bundle, c.claim)
			require.ErrorIs(t, err, c.err)
			require.Nil(t, s)
			require.Zero(t, who)
		})
	}
	_, _, err = signtest.Trust(key).Verify(t.Context(), good, sign.Claim{})
	require.ErrorContains(t, err, "nobody said what it has to be about")
	_, _, err = signtest.Trust(stranger, key).Verify(t.Context(), good, sure)
	require.NoError(t, err)
}

func signedImage(t *testing.T, key *sign.Key) []byte {
	t.Helper()
	s, err := sign.Image(subject)
	require.NoError(t, err)
	doc, err := key.Sign(t.Context(), s, subject)
	require.NoError(t, err)
	return doc.Content
}

func sigOf(t *testing.T, bundle []byte) []byte {
	t.Helper()
	var b struct {
		Envelope struct{ Signatures []struct{ Sig []byte } } `json:"dsseEnvelope"`
	}
	require.NoError(t, json.Unmarshal(bundle, &b))
	return b.Envelope.Signatures[0].Sig
}

// edit sets a value in a bundle, named by its keys with dots between them.
func edit(t *testing.T, bundle []byte, path string, value any) []byte {
	t.Helper()
	var b any
	require.NoError(t, json.Unmarshal(bundle, &b))
	steps := strings.Split(path, ".")
	at := b
	for i, step := range steps {
		last := i == len(steps)-1
		switch in := at.(type) {
		case map[string]any:
			if last {
				in[step] = value
			}
			at = in[step]
		case []any:
			require.Equal(t, "0", step)
			at = in[0]
		}
	}
	text, err := json.Marshal(b)
	require.NoError(t, err)
	return text
}

func FuzzTrust_NeverPanicsNorBelievesTwoThings(f *testing.F) {
	key := signtest.Key(f)
	s, err := sign.Image(subject)
	require.NoError(f, err)
	doc, err := key.Sign(f.Context(), s, subject)
	require.NoError(f, err)
	f.Add(doc.Content)
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{"signatures":[null]}}`))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1"}`))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		got, _, err := signtest.Trust(key).Verify(t.Context(), bundle, sign.Claim{Subject: subject})
		if err == nil {
			require.Equal(t, s, got)
		}
	})
}
