package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/registrytest"
)

func open(t *testing.T, host string, change func(*registry.Options)) *registry.Repository {
	t.Helper()
	o := registry.Options{Push: true, Clock: registrytest.NewClock(), Random: registrytest.Half}
	if change != nil {
		change(&o)
	}
	r, err := registry.Open(host+"/team/server", o)
	require.NoError(t, err)
	return r
}

func serve(t *testing.T, h http.HandlerFunc) (host string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func blob(content []byte) registry.Content {
	sum := sha256.Sum256(content)
	return registry.Content{
		Descriptor: v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, Size: int64(len(content))},
		Open:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

func TestOpen_RefusesWhatIsNoName(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "UPPER/case", "ghcr.io/team/server:v1", "ghcr.io/team/../server", "ghcr.io/ümlaut"} {
		_, err := registry.Open(bad, registry.Options{})
		require.Equal(t, fault.Usage, fault.KindOf(err), bad)
	}
}

func TestRepository_ReadsAndChecksWhatItReads(t *testing.T) {
	t.Parallel()
	s := registrytest.Start(t, registrytest.Options{})
	r := open(t, s.Host, nil)
	ctx := t.Context()
	_, found, err := r.Head(ctx, "v1")
	require.NoError(t, err)
	require.False(t, found)
	_, _, err = r.Manifest(ctx, "v1")
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.Equal(t, fault.Registry, fault.KindOf(err))
	tags, err := r.Tags(ctx)
	require.NoError(t, err)
	require.Empty(t, tags)

	c := blob([]byte("hello"))
	outcome, err := r.Upload(ctx, c, "")
	require.NoError(t, err)
	require.Equal(t, registry.Uploaded, outcome)
	outcome, err = r.Upload(ctx, c, "")
	require.NoError(t, err)
	require.Equal(t, registry.Present, outcome)
	content, err := r.Blob(ctx, c.Digest.String(), 5)
	require.NoError(t, err)
	require.Equal(t, "hello", string(content))
	_, err = r.Blob(ctx, c.Digest.String(), 4)
	require.ErrorContains(t, err, "more than 4 bytes")

	m, err := registry.NewManifest([]byte(`{"schemaVersion":2}`), "application/vnd.oci.image.manifest.v1+json")
	require.NoError(t, err)
	require.NoError(t, r.Put(ctx, "v1", m, nil))
	got, d, err := r.Manifest(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, m.Content, got)
	require.Equal(t, m.Descriptor, d)
	d, found, err = r.Head(ctx, "v1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, m.Descriptor, d)
	require.NoError(t, r.CheckPush(ctx))
}

// Tags come in pages, as many as there are, from the same registry only.
func TestTags_FollowsPages(t *testing.T) {
	t.Parallel()
	link := ""
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		switch last := req.URL.Query().Get("last"); {
		case !strings.HasSuffix(req.URL.Path, "/tags/list"):
		case link != "":
			w.Header().Set("Link", link)
			fmt.Fprint(w, `{"tags":["a"]}`)
		case last == "":
			w.Header().Set("Link", `</v2/team/server/tags/list?last=b&n=1000>; rel="next"`)
			fmt.Fprint(w, `{"tags":["b","a","not a tag","`+strings.Repeat("x", 129)+`"]}`)
		default:
			fmt.Fprint(w, `{"tags":["c","a"]}`)
		}
	})
	tags, err := open(t, host, nil).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, tags)
	link = `<http://elsewhere.example.com/v2/team/server/tags/list?last=a>; rel="next"`
	_, err = open(t, host, nil).Tags(t.Context())
	require.ErrorContains(t, err, "not followed")
	link = `</v2/team/server/tags/list?n=1000&again=1>; rel="next"`
	tags, err = open(t, host, nil).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, tags)
}

// Whatever a registry answers, it is read within bounds, and the error is a sentence.
func TestRepository_ReadsWithinBounds(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for name, body := range map[string]string{
		"huge": strings.Repeat(" ", registry.MaxDocument+1), "garbage": "\x00\xff{{{", "page": "<html>", "array": "[]",
		"deep": strings.Repeat("[", 20000), "empty": "",
	} {
		host := serve(t, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/v2/" {
				w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
				fmt.Fprint(w, body)
			}
		})
		r := open(t, host, nil)
		_, err := r.Tags(t.Context())
		require.Equal(t, fault.Registry, fault.KindOf(err), "%s: %v", name, err)
		_, err = r.Referrers(t.Context(), digest)
		require.Equal(t, fault.Registry, fault.KindOf(err), "%s: %v", name, err)
		_, _, err = r.Manifest(t.Context(), digest)
		require.Equal(t, fault.Registry, fault.KindOf(err), "%s: %v", name, err)
		_, err = r.Blob(t.Context(), digest, 1000)
		require.Equal(t, fault.Registry, fault.KindOf(err), "%s: %v", name, err)
	}
}

// A registry that asks for patience gets it, and the budget ends it.
func TestRepository_WaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	s := registrytest.Start(t, registrytest.Options{})
	s.At(registrytest.TagHead, -1, registrytest.Status(503, "UNAVAILABLE", "Retry-After", "100"))
	clock := registrytest.NewClock()
	_, _, err := open(t, s.Host, func(o *registry.Options) { o.Clock, o.Budget = clock, 4*time.Minute }).Head(t.Context(), "v1")
	require.ErrorContains(t, err, "in 4 tries over 4m0s")
	wait := 100*time.Second + 500*time.Millisecond
	require.Equal(t, []time.Duration{wait, wait, 4*time.Minute - 2*wait}, clock.Slept())
}

func TestRepository_PausesLongerEachTime(t *testing.T) {
	t.Parallel()
	s := registrytest.Start(t, registrytest.Options{})
	s.At(registrytest.TagHead, 7, registrytest.Status(500, "UNKNOWN"))
	clock := registrytest.NewClock()
	_, _, err := open(t, s.Host, func(o *registry.Options) { o.Clock = clock }).Head(t.Context(), "v1")
	require.NoError(t, err)
	half := func(seconds int) time.Duration { return time.Duration(seconds) * time.Second / 2 }
	require.Equal(t, []time.Duration{half(1), half(2), half(4), half(8), half(16), half(30), half(30)}, clock.Slept())
}

// The secret reaches its registry and nobody else, whatever a registry says.
func TestRepository_KeepsTheSecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	var mu sync.Mutex
	var leaked []string
	away := serve(t, func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		leaked = append(leaked, req.Header.Get("Authorization"))
		w.WriteHeader(http.StatusCreated)
	})
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		switch {
		case req.URL.Path == "/v2/" && password == "":
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		case req.URL.Path == "/v2/":
		case password != secret || user != "ana":
			w.WriteHeader(http.StatusForbidden)
		case req.Method == http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case req.Method == http.MethodPost:
			w.Header().Set("Location", "http://"+away+"/upload")
			w.WriteHeader(http.StatusAccepted)
		case strings.Contains(req.URL.Path, "/blobs/"):
			http.Redirect(w, req, "http://"+away+"/blob", http.StatusTemporaryRedirect)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":%q},{"code":%q}]}`, secret, secret)
		}
	})
	r := open(t, host, func(o *registry.Options) {
		o.Keychain = keychain{authn.FromConfig(authn.AuthConfig{Username: "ana", Password: secret})}
	})
	_, err := r.Upload(t.Context(), blob([]byte("x")), "")
	require.NoError(t, err)
	_, err = r.Blob(t.Context(), blob(nil).Digest.String(), 10)
	require.Error(t, err)
	require.Equal(t, []string{"", ""}, leaked)
	_, _, err = r.Manifest(t.Context(), "v1")
	require.EqualError(t, err, "reading "+host+"/team/server:v1: "+host+" answered HTTP 403 DENIED, "+
		"the credentials from the keychain lack the right to read team/server: give them that right, or give others")
	require.NotContains(t, err.Error(), secret)
}

type keychain struct{ authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

// The sentence names registry, repository, the missing right, and whose credentials
// they were.
func TestCheckPush_SaysWhichRightIsMissing(t *testing.T) {
	t.Parallel()
	s := registrytest.Start(t, registrytest.Options{Token: true})
	ana := func(o *registry.Options) {
		o.Keychain = keychain{found{authn.FromConfig(authn.AuthConfig{Username: "ana", Password: "x"})}}
	}
	s.At(registrytest.UploadPost, -1, registrytest.Status(403, "DENIED"))
	require.EqualError(t, open(t, s.Host, ana).CheckPush(t.Context()), "pushing to "+s.Host+"/team/server: "+s.Host+
		" answered HTTP 403 DENIED, the credentials from GITHUB_TOKEN lack the right to push to team/server: give them that right, or give others")
	s.At(registrytest.TokenGet, -1, registrytest.Status(403, "DENIED"))
	require.ErrorContains(t, open(t, s.Host, ana).CheckPush(t.Context()), "the credentials from GITHUB_TOKEN lack the right to push to team/server")
	s.At(registrytest.TokenGet, -1, registrytest.Page(401))
	require.ErrorContains(t, open(t, s.Host, ana).CheckPush(t.Context()), "it does not accept the credentials from GITHUB_TOKEN")
	s.At(registrytest.UploadPost, -1, registrytest.Status(404, "NAME_UNKNOWN"))
	require.ErrorContains(t, open(t, s.Host, ana).CheckPush(t.Context()), "it has no repository team/server and makes none for a push")
}

type found struct{ authn.Authenticator }

func (found) Source() string { return "GITHUB_TOKEN" }

// An upload is sent to no place where a registry has nothing to say.
func TestUpload_GoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/x",
		"ftp://example.com/x", "gopher:x", "http://0xa9fea9fe/x", ""} {
		host := serve(t, func(w http.ResponseWriter, req *http.Request) {
			switch {
			case req.URL.Path == "/v2/":
			case req.Method == http.MethodHead:
				w.WriteHeader(http.StatusNotFound)
			default:
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusAccepted)
			}
		})
		_, err := open(t, host, nil).Upload(t.Context(), blob([]byte("x")), "")
		require.Equal(t, fault.Registry, fault.KindOf(err), location)
	}
}

// Only this machine is asked without TLS, and who is named.
func TestOpen_AsksWithTLS(t *testing.T) {
	t.Parallel()
	for host, plain := range map[string]bool{"localhost:5000": true, "127.0.0.1:5000": true, "10.0.0.1:5000": false,
		"registry.example.com": false, "named.example.com:5000": true} {
		var mu sync.Mutex
		schemes := map[string]bool{}
		r := open(t, host, func(o *registry.Options) {
			o.PlainHTTP = []string{"named.example.com:5000"}
			o.Budget = time.Nanosecond
			o.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				schemes[req.URL.Scheme] = true
				return nil, errors.New("offline")
			})
		})
		_, _, err := r.Head(t.Context(), "v1")
		require.Error(t, err)
		require.Equal(t, plain, schemes["http"], host)
		require.True(t, schemes["https"], host)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Nobody waits for minutes for a name or a port that is wrong.
func TestRepository_FailsAtOnceWhereNobodyIs(t *testing.T) {
	t.Parallel()
	clock := registrytest.NewClock()
	r := open(t, "127.0.0.1:1", func(o *registry.Options) { o.Clock = clock })
	require.ErrorContains(t, r.CheckPush(t.Context()), "127.0.0.1:1 refuses connections")
	require.Empty(t, clock.Slept())
}
