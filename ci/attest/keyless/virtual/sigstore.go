// Package virtual is a Sigstore of a test's own: a certificate authority that speaks
// Fulcio's protocol and a transparency log that speaks Rekor's, on the loopback address,
// with a trusted root by which stock cosign verifies what they signed. It proves who
// somebody is by tokens that it makes itself, and is nothing but a fixture.
package virtual

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Issuer is who issues the tokens.
const Issuer = "https://token.virtual.example.com"

// Sigstore is the services together.
type Sigstore struct {
	// URL is where they are.
	URL string

	server    *httptest.Server
	authority *authority
	log       *transparencyLog

	mu     sync.Mutex
	around func(http.ResponseWriter, *http.Request) bool
	now    func() time.Time
}

// New starts the services. Close ends them.
func New() (*Sigstore, error) {
	s := &Sigstore{now: time.Now}
	var err error
	if s.authority, err = newAuthority(); err != nil {
		return nil, err
	}
	if s.log, err = newLog(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", s.signingCert)
	mux.HandleFunc("POST /api/v1/log/entries", s.addEntry)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		around := s.around
		s.mu.Unlock()
		if around == nil || !around(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	s.URL = s.server.URL
	return s, nil
}

// Close ends the services.
func (s *Sigstore) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Around lets a test answer in place of the services; it returns whether it did.
func (s *Sigstore) Around(answer func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.around = answer
}

// Clock sets the time of the transparency log, which certificates do not have.
func (s *Sigstore) Clock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

func (s *Sigstore) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

type object = map[string]any

// TrustedRoot is the file by which others verify what was signed here.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
func (s *Sigstore) TrustedRoot() []byte {
	valid := object{"start": "2020-01-01T00:00:00Z"}
	key := func(k *ecdsa.PrivateKey) object {
		return object{"rawBytes": encoded(k), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
	}
	instance := func(k *ecdsa.PrivateKey) []object {
		return []object{{"baseUrl": s.URL, "hashAlgorithm": "SHA2_256", "publicKey": key(k), "logId": object{"keyId": keyID(k)}}}
	}
	return encode(object{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":     instance(s.log.key),
		"ctlogs":    instance(s.authority.logKey),
		"certificateAuthorities": []object{{
			"subject": object{"organization": "virtual", "commonName": "virtual"}, "uri": s.URL, "validFor": valid,
			"certChain": object{"certificates": []object{{"rawBytes": s.authority.intermediate.Raw}, {"rawBytes": s.authority.root.Raw}}},
		}},
	})
}

// SigningConfig is the file by which others find the services.
func (s *Sigstore) SigningConfig() []byte {
	service := []object{{"url": s.URL, "majorApiVersion": 1, "validFor": object{"start": "2020-01-01T00:00:00Z"}, "operator": "virtual"}}
	return encode(object{
		"mediaType":       "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":          service,
		"rekorTlogUrls":   service,
		"rekorTlogConfig": object{"selector": "ANY"},
	})
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func encoded(k *ecdsa.PrivateKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(k.Public()) // a key that was just made
	return der
}

// keyID is the name of a log: the hash of its key.
func keyID(k *ecdsa.PrivateKey) []byte {
	sum := sha256.Sum256(encoded(k))
	return sum[:]
}

// signature is over the SHA-256 of a message.
func signature(k *ecdsa.PrivateKey, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, k, sum[:])
}

func encode(v any) []byte {
	text, _ := json.Marshal(v) // maps and slices of plain values
	return text
}

// refuse is an error as the services have it.
func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(encode(object{"code": code, "message": why}))
}
