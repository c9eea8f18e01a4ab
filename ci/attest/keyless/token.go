package keyless

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/fault"
)

// Tokens finds the OIDC token that says who signs: in a file, in the environment, or
// from GitHub Actions. What is wrong is a *fault.Error that has nothing of a token.
type Tokens struct {
	// File has a token; it may be empty.
	File   string
	Getenv func(string) string
	// Transport is for asking GitHub; nil is http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Variables that have a token, or say where GitHub gives one.
const (
	tokenVariable = "SIGSTORE_ID_TOKEN"
	askURL        = "ACTIONS_ID_TOKEN_REQUEST_URL"
	askToken      = "ACTIONS_ID_TOKEN_REQUEST_TOKEN" //nolint:gosec // its name
	// audience is whom the token is for.
	audience = "sigstore"
)

const (
	// maxToken bounds a token and the answer that has it, in bytes.
	maxToken = 1 << 20
	// tokenWait bounds the question for one.
	tokenWait = 30 * time.Second
)

// AtHand tells whether there is one, or somebody to ask.
func (t Tokens) AtHand() bool {
	return t.File != "" || t.Getenv(tokenVariable) != "" || t.Getenv(askURL) != "" && t.Getenv(askToken) != ""
}

// Get returns a token that has not expired.
func (t Tokens) Get(ctx context.Context) (string, error) {
	token, where, err := t.find(ctx)
	if err != nil {
		return "", err
	}
	expires, err := expiry(token)
	if err != nil {
		return "", fault.New(fault.Usage, "the identity token %s is none: %v", where, err).WithFix("it has to be an OIDC token for the audience %s", audience)
	}
	if now := t.now(); expires.Before(now) {
		return "", fault.New(fault.Usage, "the identity token %s expired at %s", where, expires.UTC().Format(time.RFC3339)).WithFix("get a new one, and publish again")
	}
	return token, nil
}

func (t Tokens) find(ctx context.Context) (token, where string, err error) {
	if t.File != "" {
		token, err = readToken(t.File)
		return token, "in " + t.File, err
	}
	if token = strings.TrimSpace(t.Getenv(tokenVariable)); token != "" {
		return token, "in " + tokenVariable, nil
	}
	if t.Getenv(askURL) != "" && t.Getenv(askToken) != "" {
		token, err = t.github(ctx)
		return token, "from GitHub", err
	}
	missing := fault.New(fault.Usage, "there is no identity token to sign with")
	if t.Getenv("GITHUB_ACTIONS") == "true" {
		return "", "", missing.WithFix("give the job permissions: id-token: write, which GitHub does not give to pull requests from forks")
	}
	return "", "", missing.WithFix("set %s to an OIDC token for the audience %s, or sign with a key", tokenVariable, audience)
}

func readToken(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fault.New(fault.Usage, "reading the identity token: %v", err).WithCause(err).WithFix("name a file with an OIDC token")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return "", fault.New(fault.Usage, "reading the identity token: %v", err).WithCause(err).WithFix("name a file with an OIDC token")
	}
	return strings.TrimSpace(string(text)), nil
}

// github asks GitHub Actions for a token.
// https://docs.github.com/en/actions/reference/security/oidc
func (t Tokens) github(ctx context.Context) (string, error) {
	token, err := t.askGitHub(ctx)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fault.New(fault.Registry, "asking GitHub for an identity token: %s", ask.Brief(err)).
			WithFix("run the job again; it needs permissions: id-token: write")
	}
	return token, nil
}

func (t Tokens) askGitHub(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenWait)
	defer cancel()
	address, err := url.Parse(t.Getenv(askURL))
	if err != nil || address.Host == "" {
		return "", errors.New(askURL + " is no address")
	}
	query := address.Query()
	query.Set("audience", audience)
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+t.Getenv(askToken))
	client := &http.Client{Transport: t.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answered HTTP %d", resp.StatusCode)
	}
	var got struct{ Value string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxToken)).Decode(&got); err != nil || got.Value == "" {
		return "", errors.New("its answer has no token")
	}
	return got.Value, nil
}

// expiry reads when a token ends. Who it is of and who made it is for the certificate
// authority to check.
func expiry(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, fmt.Errorf("it has %d parts instead of 3", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, errors.New("its second part is not base64")
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.Expires == 0 {
		return time.Time{}, errors.New("it does not say when it expires")
	}
	return time.Unix(int64(claims.Expires), 0), nil
}

func (t Tokens) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}
