package rig

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Who issues tokens, and for whom.
const (
	issuer  = "slipway e2e"
	service = "registry.example"
)

// leeway is how much longer than it says a registry honours a token:
// https://distribution.github.io/distribution/spec/auth/jwt/
const leeway = time.Minute

// Tokens is a token server: it gives the users of a registry the rights that they have
// and no others, as a token that the registry believes.
// https://distribution.github.io/distribution/spec/auth/token/
type Tokens struct {
	signer   *identity
	mu       sync.Mutex
	lifetime time.Duration
	issued   []string
}

// newTokens makes a token server. Its tokens are honoured for a lifetime of whole
// seconds, to the second.
func newTokens(t *testing.T, lifetime time.Duration) *Tokens {
	t.Helper()
	return &Tokens{signer: newIdentity(t, "tokens"), lifetime: lifetime}
}

// Live says for how long those tokens are honoured that are given from now on.
func (k *Tokens) Live(lifetime time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lifetime = lifetime
}

// Issued are the tokens that the server gave: secrets, and each is a request.
func (k *Tokens) Issued() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.issued)
}

// access is a right in a token.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// ServeHTTP answers a request for a token.
func (k *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	login, known := logins[user]
	if !ok || !known || password != login.Password {
		w.Header().Set("WWW-Authenticate", `Basic realm="tokens"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	granted := []access{}
	for _, scope := range r.URL.Query()["scope"] {
		for one := range strings.FieldsSeq(scope) {
			if a, ok := login.grant(one); ok {
				granted = append(granted, a)
			}
		}
	}
	k.mu.Lock()
	lifetime := k.lifetime
	k.mu.Unlock()
	token, err := k.sign(user, granted, lifetime)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	k.mu.Lock()
	k.issued = append(k.issued, token)
	k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token": token, "access_token": token, "expires_in": int(lifetime.Seconds()), "issued_at": time.Now().UTC().Format(time.RFC3339),
	})
}

// grant is what of a scope, such as repository:team/tide:pull,push, somebody may do. Who
// may do nothing gets a token for nothing, as from the servers of real registries.
func (l Login) grant(scope string) (access, bool) {
	kind, rest, _ := strings.Cut(scope, ":")
	at := strings.LastIndex(rest, ":")
	if kind != "repository" || at < 0 || !strings.HasPrefix(rest[:at], Namespace+"/") {
		return access{}, false
	}
	actions := slices.DeleteFunc(strings.Split(rest[at+1:], ","), func(action string) bool { return !slices.Contains(l.may, action) })
	return access{kind, rest[:at], actions}, true
}

// sign makes a JSON web token with ES256. The header carries the certificate, which
// registries of every release check against those that they trust.
func (k *Tokens) sign(user string, granted []access, lifetime time.Duration) (string, error) {
	now := time.Now()
	header := object{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(k.signer.der)}}
	claims := object{
		"iss": issuer, "sub": user, "aud": service, "exp": now.Add(lifetime - leeway).Unix(), "nbf": now.Add(-leeway).Unix(),
		"iat": now.Unix(), "jti": rand.Text(), "access": granted,
	}
	var parts []string
	for _, part := range []object{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("encoding a token: %w", err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, ".")))
	r, s, err := ecdsa.Sign(rand.Reader, k.signer.key, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return strings.Join(append(parts, base64.RawURLEncoding.EncodeToString(signature)), "."), nil
}

// Basic is a login as HTTP's basic authentication sends it.
func (l Login) Basic() string {
	return base64.StdEncoding.EncodeToString([]byte(l.User + ":" + l.Password))
}
