package base_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/fault"
)

// trouble is a registry that fails in one way.
type trouble struct {
	// start returns the host that the pin names, and a transport if loopback's
	// own does not do.
	start       func(t *testing.T, content small) (host string, transport http.RoundTripper)
	says, fix   string
	unreachable bool
}

// answers starts a registry whose handler replaces the answers to some requests.
func answers(part string, handler http.HandlerFunc) func(*testing.T, small) (string, http.RoundTripper) {
	return func(t *testing.T, content small) (string, http.RoundTripper) {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				handler(w, r)
				return
			}
			content.shelf.ServeHTTP(w, r)
		})).host, nil
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		// Larger than what is read of an error, and with what must not be shown.
		http.Error(w, strings.Repeat("s3cret ", 100_000), code)
	}
}

func writes(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "5000")
	_, _ = io.WriteString(w, "layer")
}

func stalls(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "layer")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// silent accepts connections and never says a word.
func silent(t *testing.T, _ small) (string, http.RoundTripper) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), nil
}

func refuses(t *testing.T, _ small) (string, http.RoundTripper) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String(), nil
}

func unknownHost(*testing.T, small) (string, http.RoundTripper) {
	return "registry.invalid", &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "registry.invalid", IsNotFound: true}}
	}}
}

// untrusted has a certificate that nobody knows; host is its name, or "" for loopback.
func untrusted(host string) func(*testing.T, small) (string, http.RoundTripper) {
	return func(t *testing.T, content small) (string, http.RoundTripper) {
		s := httptest.NewUnstartedServer(content.shelf)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		if host == "" {
			return s.Listener.Addr().String(), nil
		}
		return host, dialing(t, s.Listener.Addr().String())
	}
}

// plain speaks HTTP where HTTPS is due.
func plain(t *testing.T, content small) (string, http.RoundTripper) {
	return "registry.test", dialing(t, serve(t, content.shelf).host)
}

// redirected is a public registry that points inside.
func redirected(t *testing.T, content small) (string, http.RoundTripper) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
			return
		}
		content.shelf.ServeHTTP(w, r)
	}))
	s.StartTLS()
	t.Cleanup(s.Close)
	transport := dialing(t, s.Listener.Addr().String())
	transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.ServerName = "example.com"
	return "registry.test", transport
}

var troubles = map[string]trouble{
	"silent":          {start: silent, says: "no answer within 500ms", fix: "builtin base", unreachable: true},
	"handler hangs":   {start: answers("/v2/", hangs), says: "no answer within 500ms", fix: "check the network", unreachable: true},
	"refuses":         {start: refuses, says: "it refuses connections", fix: "check the network", unreachable: true},
	"unknown host":    {start: unknownHost, says: "its host name is unknown", fix: "name a mirror of registry.invalid", unreachable: true},
	"loopback's TLS":  {start: untrusted(""), says: "no trusted TLS connection: tls: failed to verify certificate", fix: "CA certificates"},
	"untrusted TLS":   {start: untrusted("registry.test"), says: "no trusted TLS connection: tls: failed to verify certificate", fix: "CA certificates"},
	"HTTP for HTTPS":  {start: plain, says: "no trusted TLS connection: http: server gave HTTP response to HTTPS client", fix: "CA certificates"},
	"401":             {start: answers("/manifests/", status(401)), says: "it answered HTTP 401: it wants credentials", fix: "docker login"},
	"401 of the ping": {start: answers("/v2/", status(401)), says: "it answered HTTP 401", fix: "docker login"},
	"403":             {start: answers("/manifests/", status(403)), says: "it answered HTTP 403: access is denied", fix: "may pull distroless/static"},
	"404":             {start: answers("/manifests/", status(404)), says: "it answered HTTP 404: it does not have it", fix: "the digest is gone"},
	"404 of a layer":  {start: answers("/blobs/", status(404)), says: "asked for configuration sha256:", fix: "check the image's name"},
	"no registry":     {start: answers("/v2/", status(404)), says: "there is no registry", fix: "correct the host and port"},
	"418":             {start: answers("/manifests/", status(418)), says: "it answered HTTP 418", fix: "the host is a registry"},
	"429":             {start: answers("/manifests/", status(429)), says: "it answered HTTP 429: too many requests", fix: "wait, log in to"},
	"500":             {start: answers("/v2/", status(500)), says: "it answered HTTP 500: the registry itself fails", fix: "try again later"},
	"503":             {start: answers("/manifests/", status(503)), says: "it answered HTTP 503: the registry itself fails", fix: "try again later"},
	"truncated":       {start: answers("/manifests/", breaksOff), says: "the connection broke off in the middle of manifest sha256:", fix: "try again"},
	"truncated layer": {start: answers("/blobs/", breaksOff), says: "the connection broke off in the middle of", fix: "try again"},
	"stalls":          {start: answers("/manifests/", stalls), says: "nothing more of manifest sha256:", fix: "try again"},
	"hangs later":     {start: answers("/manifests/", hangs), says: "came for 1s", fix: "try again"},
	"web page":        {start: answers("/manifests/", writes("text/html; charset=utf-8", "<html>s3cret")), says: "a web page came instead of manifest sha256:", fix: "login page"},
	"web page's text": {start: answers("/manifests/", writes("application/json", "\n <!doctype html>")), says: "a web page came", fix: "proxy"},
	"other bytes":     {start: answers("/manifests/", writes("", `{"other":1}`)), says: sum([]byte(`{"other":1}`)) + " came instead of manifest sha256:", fix: "do not trust"},
	"other config":    {start: answers("/blobs/", writes("", `{}`)), says: sum([]byte(`{}`)) + " came instead of configuration sha256:", fix: "do not trust"},
	"too large":       {start: answers("/manifests/", writes("", strings.Repeat(" ", 4<<20+1))), says: "has more than the 4194304 bytes that are read", fix: "container image"},
	"points inside":   {start: redirected, says: "it redirects to the private address 169.254.169.254", fix: "correct the registry"},
}

func TestFetch_SaysWhatIsWrongWithARegistry(t *testing.T) {
	t.Parallel()
	for name, tc := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := newSmall(t, nil)
			host, transport := tc.start(t, content)
			pin := pinOf(t, host, content.manifest.Digest.String())
			r := request(t, pin)
			// Only what is meant to be silent is given up on: the machine may be busy.
			switch name {
			case "silent", "handler hangs":
				r.Wait = 500 * time.Millisecond
			case "stalls", "hangs later":
				r.Stall = time.Second
			}
			if transport != nil {
				r.Transport = transport
			}
			_, err := base.Fetch(t.Context(), r)
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, fault.Registry, f.Kind)
			require.Contains(t, f.What, tc.says)
			require.Contains(t, f.Fix, tc.fix)
			require.Equal(t, tc.unreachable, base.IsUnreachable(err))
			require.Contains(t, f.What, "fetching base "+pin.String()+" from "+host+": ")
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, strings.Join(cached(t, r.Cache), " "), ".new-")
		})
	}
}

func TestFetch_SaysWhatIsWrongWithALayer(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	layer := content.layer.Digest
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"other bytes": {writes("", "other"), sum([]byte("other")) + " came instead of layer " + layer.String()},
		"web page":    {writes("text/html", "<html>"), "a web page came instead of layer"},
		"longer":      {writes("", strings.Repeat("layer ", 1001)), "has more than the 6000 bytes"},
		"truncated":   {breaksOff, "the connection broke off in the middle of layer " + layer.String()},
		"stalls":      {stalls, "nothing more of layer " + layer.String() + " came for 1s"},
		"gone":        {status(404), "asked for layer " + layer.String() + ", it answered HTTP 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, _ := answers(layer.String(), tc.handler)(t, content)
			r := request(t, pinOf(t, host, content.manifest.Digest.String()))
			if name == "stalls" {
				r.Stall = time.Second
			}
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, fault.Registry, fault.KindOf(err))
			require.Len(t, cached(t, r.Cache), 2, "manifest and configuration, and nothing of the layer")
		})
	}
}

func TestFetch_NamesTheMirrorAndTheRegistry(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	for name, start := range map[string]func(*testing.T, small) (string, http.RoundTripper){
		"reached": answers("/manifests/", status(404)), "unreachable": refuses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, _ := start(t, content)
			pin := pinOf(t, "gcr.io", content.manifest.Digest.String())
			r := request(t, pin)
			r.Mirrors = map[string]string{"gcr.io": host}
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, "fetching base "+pin.String()+" from "+host+", the mirror of gcr.io: ")
			require.Equal(t, name == "unreachable", base.IsUnreachable(err))
		})
	}
}

// broken is a credential helper that prints what it should not.
type broken struct{}

func (broken) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, errors.New("exit status 1, out: s3cret")
}

func TestFetch_NeverPrintsCredentials(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	challenge := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		http.Error(w, r.Header.Get("Authorization"), http.StatusUnauthorized)
	}
	// malformed sends the credentials back where HTTP's status line should be.
	malformed := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			challenge(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, r.Header.Get("Authorization")+"\r\n\r\n")
			conn.Close()
		}
	}
	// signed redirects to a URL that is a secret, and to nobody.
	signed := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/?X-Signature=s3cret", http.StatusFound)
	}
	token := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/v2/token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"tokenn":"s3cret"}`)
	}
	for name, tc := range map[string]struct {
		handler  http.HandlerFunc
		keychain authn.Keychain
		says     string
	}{
		"refused":       {challenge, nil, "it does not accept the credentials"},
		"malformed":     {malformed, nil, "it gave no usable answer"},
		"signed URL":    {signed, nil, "it gave no usable answer"},
		"token":         {token, nil, "it gave no usable answer"},
		"broken helper": {challenge, broken{}, "the credentials for it could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part := "/v2/"
			if name == "signed URL" {
				part = "/manifests/"
			}
			host, _ := answers(part, tc.handler)(t, content)
			r := request(t, pinOf(t, host, content.manifest.Digest.String()))
			r.Keychain = keychain{host: {Username: "user", Password: "s3cret"}}
			if tc.keychain != nil {
				r.Keychain = tc.keychain
			}
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, tc.says)
			require.False(t, base.IsUnreachable(err))
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "dXNlcjpzM2NyZXQ", "user:s3cret in base64")
		})
	}
}

func TestFetch_GivesUpOnAPingThatNeverEnds(t *testing.T) {
	t.Parallel()
	host, _ := answers("/v2/", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<10))
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	})(t, newSmall(t, nil))
	r := request(t, pinOf(t, host, sum(nil)))
	r.Wait, r.Stall = 2*time.Second, 200*time.Millisecond
	began := time.Now()
	_, err := base.Fetch(t.Context(), r)
	require.Error(t, err)
	require.False(t, base.IsUnreachable(err))
	require.Less(t, time.Since(began), time.Minute)
}
