package keyless_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/keyless/virtual"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

const workflow = "https://github.com/acme/service/.github/workflows/publish.yml@refs/heads/main"

var (
	subject = "sha256:" + strings.Repeat("a", 64)
	other   = "sha256:" + strings.Repeat("b", 64)
)

// program is the real one, which is built once per machine.
func program(t *testing.T) keyless.Program {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	p, err := keyless.Find(t.Context(), tool.Options{Env: os.Environ(), Cache: filepath.Join(cache, "slipway-e2e")}, step.Silent{}.Start(""))
	require.NoError(t, err)
	return p
}

func newSigstore(t *testing.T) *virtual.Sigstore {
	t.Helper()
	s, err := virtual.New()
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func services(s *virtual.Sigstore) keyless.Services {
	return keyless.Services{TrustedRoot: s.TrustedRoot(), SigningConfig: s.SigningConfig()}
}

func signer(p keyless.Program, s *virtual.Sigstore) *keyless.Signer {
	tokens := keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", s.Token(workflow, time.Now().Add(time.Hour)))}
	return &keyless.Signer{Program: p, Services: services(s), Token: tokens.Get}
}

func trust(p keyless.Program, s *virtual.Sigstore) keyless.Trust {
	return keyless.Trust{Program: p, Root: s.TrustedRoot(), Name: workflow, Issuer: virtual.Issuer}
}

func provenance(t *testing.T) *attest.Statement {
	t.Helper()
	s, err := attest.New(attest.Provenance, map[string]string{"a": "<b>"}, subject)
	require.NoError(t, err)
	return s
}

func signed(t *testing.T, s sign.Signer) []byte {
	t.Helper()
	doc, err := s.Sign(t.Context(), provenance(t), subject)
	require.NoError(t, err)
	return doc.Content
}

func TestSigner_SignsWhatItsIdentityVerifies(t *testing.T) {
	t.Parallel()
	p, s := program(t), newSigstore(t)
	start := time.Now().Add(-time.Second)
	for range 3 { // a log with several entries proves each of them
		doc, err := signer(p, s).Sign(t.Context(), provenance(t), subject)
		require.NoError(t, err)
		require.Equal(t, attest.BundleMediaType, doc.MediaType)
		require.Equal(t, attest.Provenance, doc.PredicateType)
		require.Equal(t, subject, doc.Subject)
		got, who, err := trust(p, s).Verify(t.Context(), doc.Content, sign.Claim{Subject: subject, PredicateType: attest.Provenance})
		require.NoError(t, err)
		require.Equal(t, provenance(t), got)
		require.Equal(t, workflow, who.Name)
		require.Equal(t, virtual.Issuer, who.Issuer)
		require.WithinRange(t, who.Time, start, time.Now())
	}
}

func TestTrust_RefusesWhatItWasNotToldToTrust(t *testing.T) {
	t.Parallel()
	p, s, stranger := program(t), newSigstore(t), newSigstore(t)
	good := signed(t, signer(p, s))
	unsigned, err := provenance(t).Encode()
	require.NoError(t, err)
	byKey := signed(t, signtest.Key(t))
	sure := sign.Claim{Subject: subject, PredicateType: attest.Provenance}
	with := func(change func(*keyless.Trust)) keyless.Trust {
		trusted := trust(p, s)
		change(&trusted)
		return trusted
	}
	entry := "verificationMaterial.tlogEntries.0."
	for name, c := range map[string]struct {
		bundle []byte
		trust  keyless.Trust
		claim  sign.Claim
		err    error
	}{
		"another identity":       {good, with(func(t *keyless.Trust) { t.Name = strings.Replace(workflow, "main", "fork", 1) }), sure, sign.ErrSigner},
		"another issuer":         {good, with(func(t *keyless.Trust) { t.Issuer = "https://token.example.com" }), sure, sign.ErrSigner},
		"half a pattern":         {good, with(func(t *keyless.Trust) { t.Name, t.NamePattern = "", "https://github.com/acme/serv" }), sure, sign.ErrSigner},
		"half an issuer":         {good, with(func(t *keyless.Trust) { t.Issuer, t.IssuerPattern = "", "https://token" }), sure, sign.ErrSigner},
		"no identity":            {good, with(func(t *keyless.Trust) { t.Name = "" }), sure, sign.ErrSigner},
		"a broken pattern":       {good, with(func(t *keyless.Trust) { t.Name, t.NamePattern = "", "(" }), sure, sign.ErrSigner},
		"another log":            {good, with(func(t *keyless.Trust) { t.Root = mixed(s, stranger, "tlogs") }), sure, keyless.ErrLog},
		"another authority":      {good, with(func(t *keyless.Trust) { t.Root = mixed(s, stranger, "certificateAuthorities") }), sure, keyless.ErrCertificate},
		"another log of those":   {good, with(func(t *keyless.Trust) { t.Root = mixed(s, stranger, "ctlogs") }), sure, keyless.ErrCertificate},
		"another Sigstore":       {signed(t, signer(p, stranger)), trust(p, s), sure, keyless.ErrLog},
		"another image":          {good, trust(p, s), sign.Claim{Subject: other}, sign.ErrSubject},
		"another statement":      {good, trust(p, s), sign.Claim{Subject: subject, PredicateType: attest.SPDX}, sign.ErrPredicate},
		"an altered payload":     {edit(t, good, "dsseEnvelope.payload", []byte(strings.Replace(string(unsigned), "<b>", "<c>", 1))), trust(p, s), sure, sign.ErrAltered},
		"an altered signature":   {edit(t, good, "dsseEnvelope.signatures.0.sig", []byte("nonsense")), trust(p, s), sure, sign.ErrAltered},
		"no signature":           {edit(t, good, "dsseEnvelope.signatures", []any{}), trust(p, s), sure, sign.ErrNoSignature},
		"no log":                 {edit(t, good, "verificationMaterial.tlogEntries", []any{}), trust(p, s), sure, keyless.ErrLog},
		"another place in it":    {edit(t, good, entry+"logIndex", "7"), trust(p, s), sure, keyless.ErrLog},
		"another time":           {edit(t, good, entry+"integratedTime", "1"), trust(p, s), sure, keyless.ErrLog},
		"another root":           {edit(t, good, entry+"inclusionProof.rootHash", []byte(strings.Repeat("x", 32))), trust(p, s), sure, keyless.ErrLog},
		"another checkpoint":     {edit(t, good, entry+"inclusionProof.checkpoint.envelope", "nonsense"), trust(p, s), sure, keyless.ErrLog},
		"neither proof":          {edit(t, edit(t, good, entry+"inclusionProof", nil), entry+"inclusionPromise", nil), trust(p, s), sure, sign.ErrMalformed},
		"another's certificate":  {edit(t, good, "verificationMaterial.certificate", certificate(t, signed(t, signer(p, s)))), trust(p, s), sure, sign.ErrAltered},
		"a broken certificate":   {edit(t, good, "verificationMaterial.certificate.rawBytes", []byte("nonsense")), trust(p, s), sure, sign.ErrMalformed},
		"an unknown field":       {edit(t, good, "verificationMaterial.more", "nonsense"), trust(p, s), sure, sign.ErrMalformed},
		"an entry without body":  {edit(t, good, entry+"canonicalizedBody", nil), trust(p, s), sure, sign.ErrMalformed},
		"an entry of a stranger": {edit(t, good, "verificationMaterial.tlogEntries", entries(t, signed(t, signer(p, s)))), trust(p, s), sure, sign.ErrAltered},
		"the signature of a key": {byKey, trust(p, s), sure, sign.ErrSigner},
		"an unsigned statement":  {unsigned, trust(p, s), sure, sign.ErrNoSignature},
		"nothing":                {nil, trust(p, s), sure, sign.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, who, err := c.trust.Verify(t.Context(), c.bundle, c.claim)
			require.ErrorIs(t, err, c.err)
			require.Nil(t, got)
			require.Zero(t, who)
		})
	}
	patterns := with(func(t *keyless.Trust) {
		t.Name, t.Issuer = "", ""
		t.NamePattern, t.IssuerPattern = "https://github.com/acme/service/.*", "https://token[.].*"
	})
	_, _, err = patterns.Verify(t.Context(), good, sure)
	require.NoError(t, err)
	_, _, err = sign.Trust{}.Verify(t.Context(), good, sure)
	require.ErrorIs(t, err, sign.ErrSigner)
	for _, root := range []string{"{}", "[]", "{"} {
		_, _, err = with(func(t *keyless.Trust) { t.Root = []byte(root) }).Verify(t.Context(), good, sure)
		require.Equal(t, fault.Usage, fault.KindOf(err), root)
	}
}

// A certificate lives for minutes. One that had ended when the log saw the signature is
// refused, however early somebody looks.
func TestTrust_RefusesASignatureAfterItsCertificate(t *testing.T) {
	t.Parallel()
	p, s := program(t), newSigstore(t)
	s.Clock(func() time.Time { return time.Now().Add(15 * time.Minute) })
	_, err := signer(p, s).Sign(t.Context(), provenance(t), subject)
	require.Equal(t, fault.Registry, fault.KindOf(err))
	require.ErrorContains(t, err, "outside certificate validity")
}

func TestSigner_SaysWhatFailedAtTheServices(t *testing.T) {
	t.Parallel()
	p := program(t)
	const authority, log = "/api/v2/signingCert", "/api/v1/log/entries"
	reply := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if !strings.HasPrefix(body, "<") {
				w.Header().Set("Content-Type", "application/json")
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // who leaves is noticed only after that
		<-r.Context().Done()
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
		says   string
	}{
		"the authority refuses":      {authority, reply(403, `{"message":"no"}`), `getting a certificate for the signature: Fulcio returned 403: {"message":"no"}`},
		"the authority fails":        {authority, reply(500, "<html>\n<p>"), "getting a certificate for the signature: it answered HTTP 500: publish again"},
		"the authority hangs":        {authority, hang, "getting a certificate for the signature: "},
		"the authority is garbage":   {authority, reply(200, "garbage"), "getting a certificate for the signature: "},
		"the authority has none":     {authority, reply(200, "{}"), "getting a certificate for the signature: Fulcio returned no certificates"},
		"the authority's is garbage": {authority, reply(200, `{"signedCertificateEmbeddedSct":{"chain":{"certificates":["garbage"]}}}`), "getting a certificate for the signature: unable to parse"},
		"the authority sends it on":  {authority, echo, "getting a certificate for the signature: Fulcio returned 403: Bearer ***"},
		"the log refuses":            {log, reply(400, `{"code":400,"message":"no"}`), "putting the signature into the transparency log: "},
		"the log fails":              {log, reply(500, "<html>\n<p>"), "putting the signature into the transparency log: "},
		"the log hangs":              {log, hang, "putting the signature into the transparency log: "},
		"the log is garbage":         {log, reply(201, "garbage"), "putting the signature into the transparency log: "},
		"the log has nothing":        {log, reply(201, "{}"), "putting the signature into the transparency log: "},
		"the log knows it":           {log, reply(409, "{}"), "putting the signature into the transparency log: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSigstore(t)
			s.Around(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == c.path {
					c.answer(w, r)
				}
				return r.URL.Path == c.path
			})
			asks := signer(p, s)
			if strings.HasSuffix(name, "hangs") {
				asks.Wait = 2 * time.Second
			}
			_, err := asks.Sign(t.Context(), provenance(t), subject)
			require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), s.Token(workflow, time.Now())[:40])
			t.Log(err)
		})
	}
}

func TestSigner_AsksAgain(t *testing.T) {
	t.Parallel()
	p, s := program(t), newSigstore(t)
	failed := map[string]bool{}
	s.Around(func(w http.ResponseWriter, r *http.Request) bool {
		first := !failed[r.URL.Path]
		failed[r.URL.Path] = true
		if first {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return first
	})
	again := signer(p, s)
	again.Retries = 2
	signed(t, again)
	require.Len(t, failed, 2)
}

func TestSigner_RefusesFilesThatSayNothing(t *testing.T) {
	t.Parallel()
	p, s := program(t), newSigstore(t)
	for name, files := range map[string]keyless.Services{
		"no configuration":            {TrustedRoot: s.TrustedRoot()},
		"an empty configuration":      {TrustedRoot: s.TrustedRoot(), SigningConfig: []byte("{}")},
		"a broken configuration":      {TrustedRoot: s.TrustedRoot(), SigningConfig: []byte("{")},
		"a configuration of nothing":  {TrustedRoot: s.TrustedRoot(), SigningConfig: []byte(`{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}`)},
		"the root is a configuration": {TrustedRoot: s.SigningConfig(), SigningConfig: s.SigningConfig()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wanted := signer(p, s)
			wanted.Services = files
			_, err := wanted.Sign(t.Context(), provenance(t), subject)
			require.Error(t, err)
			require.NotEqual(t, fault.Bug, fault.KindOf(err), "%v", err)
		})
	}
}

// mixed is the trusted root of one Sigstore with a part of another's.
func mixed(s, stranger *virtual.Sigstore, part string) []byte {
	var ours, theirs map[string]any
	_ = json.Unmarshal(s.TrustedRoot(), &ours)
	_ = json.Unmarshal(stranger.TrustedRoot(), &theirs)
	ours[part] = theirs[part]
	text, _ := json.Marshal(ours)
	return text
}

func TestTrust_BelievesNoBrokenBundle(t *testing.T) {
	t.Parallel()
	p, s := program(t), newSigstore(t)
	good := signed(t, signer(p, s))
	claim := sign.Claim{Subject: subject}
	for at := 7; at < len(good); at += len(good)/60 + 1 {
		broken := bytes.Clone(good)
		broken[at] ^= 1
		got, _, err := trust(p, s).Verify(t.Context(), broken, claim)
		if err == nil {
			require.Equal(t, provenance(t), got)
			continue
		}
		require.Equal(t, fault.Bug, fault.KindOf(err), "byte %d: the program did not come to an end: %v", at, err)
	}
}
