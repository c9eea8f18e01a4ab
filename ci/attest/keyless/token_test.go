package keyless_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/keyless/virtual"
	"example.com/slipway/ci/fault"
)

// github answers like the token service of GitHub Actions.
func github(t *testing.T, code int, body string) (getenv func(string) string, asked *http.Request) {
	t.Helper()
	asked = &http.Request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = *r.Clone(t.Context())
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return environment("GITHUB_ACTIONS", "true", "ACTIONS_ID_TOKEN_REQUEST_URL", server.URL+"/token?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-secret"), asked
}

func TestTokens_ComeFromAFileTheEnvironmentOrGitHub(t *testing.T) {
	t.Parallel()
	var s virtual.Sigstore
	token := s.Token(workflow, time.Now().Add(time.Hour))
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	got, err := keyless.Tokens{File: file, Getenv: environment("SIGSTORE_ID_TOKEN", "another")}.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, got)
	got, err = keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", token)}.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, got)
	getenv, asked := github(t, http.StatusOK, `{"value":"`+token+`"}`)
	got, err = keyless.Tokens{Getenv: getenv}.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, got)
	require.Equal(t, "api-version=2&audience=sigstore", asked.URL.RawQuery)
	require.Equal(t, "Bearer request-secret", asked.Header.Get("Authorization"))
}

func TestTokens_SayWhatIsMissing(t *testing.T) {
	t.Parallel()
	var s virtual.Sigstore
	expired := s.Token(workflow, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	answers := func(code int, body string) func(string) string {
		getenv, _ := github(t, code, body)
		return getenv
	}
	for name, c := range map[string]struct {
		tokens keyless.Tokens
		kind   fault.Kind
		says   string
	}{
		"nothing":             {keyless.Tokens{Getenv: environment()}, fault.Usage, "there is no identity token to sign with: set SIGSTORE_ID_TOKEN to an OIDC token"},
		"no permission":       {keyless.Tokens{Getenv: environment("GITHUB_ACTIONS", "true")}, fault.Usage, "there is no identity token to sign with: give the job permissions: id-token: write"},
		"no file":             {keyless.Tokens{File: filepath.Join(t.TempDir(), "none")}, fault.Usage, "reading the identity token: "},
		"a folder":            {keyless.Tokens{File: t.TempDir()}, fault.Usage, "is a directory"},
		"no token":            {keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", "secret")}, fault.Usage, "the identity token in SIGSTORE_ID_TOKEN is none: it has 1 parts"},
		"no base64":           {keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", "secret.!.c")}, fault.Usage, "its second part is not base64"},
		"no end":              {keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", "secret.e30.c")}, fault.Usage, "it does not say when it expires"},
		"expired":             {keyless.Tokens{Getenv: environment("SIGSTORE_ID_TOKEN", expired)}, fault.Usage, "the identity token in SIGSTORE_ID_TOKEN expired at 2020-01-02T03:04:05Z: get a new one"},
		"GitHub refuses":      {keyless.Tokens{Getenv: answers(http.StatusForbidden, "request-secret")}, fault.Registry, "asking GitHub for an identity token: it answered HTTP 403: run the job again"},
		"GitHub is elsewhere": {keyless.Tokens{Getenv: answers(http.StatusFound, "")}, fault.Registry, "it answered HTTP 302"},
		"GitHub has none":     {keyless.Tokens{Getenv: answers(http.StatusOK, "{}")}, fault.Registry, "its answer has no token"},
		"GitHub is gone": {keyless.Tokens{Getenv: environment("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-secret")},
			fault.Registry, "connection refused"},
		"no address": {keyless.Tokens{Getenv: environment("ACTIONS_ID_TOKEN_REQUEST_URL", "here", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-secret")},
			fault.Registry, "ACTIONS_ID_TOKEN_REQUEST_URL is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.tokens.Get(t.Context())
			require.Equal(t, c.kind, fault.KindOf(err))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), expired)
		})
	}
}
