package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/internal/server"
)

const secret = "s3cret"

// roundTrip is a transport in one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// upstream starts an HTTPS server; the client that it returns reaches it as
// example.com and as every name below that.
func upstream(t *testing.T, handler http.HandlerFunc) *http.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Client()
}

// fetch asks a server with these options for a URL.
func fetch(t *testing.T, o server.Options, target string) *httptest.ResponseRecorder {
	t.Helper()
	return get(t, o, "/fetch?url="+url.QueryEscape(target))
}

func TestFetch_AnswersWithFactsAboutTheAnswer(t *testing.T) {
	t.Parallel()
	client := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "slipway-sample/v1.2.3" {
			t.Errorf("user agent %q", r.UserAgent())
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "hello")
	})
	o := server.Options{Client: client, FetchHosts: []string{"example.com"}, Build: server.Build{Version: "v1.2.3"}}
	for _, target := range []string{"https://example.com", "https://example.com:443/x?y#z", "https://EXAMPLE.com:/", "HTTPS://example.com/"} {
		w := fetch(t, o, target)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		var got map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, map[string]any{
			"host": "example.com", "status": 418.0, "bytes": 5.0, "truncated": false, "tls": "TLS 1.3", "issuer": "O=Acme Co",
		}, got)
	}
}

func TestFetch_CountsNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	const bound = 1 << 20
	for _, test := range []struct {
		name      string
		sent      int
		bytes     int
		truncated bool
	}{
		{"nothing", 0, 0, false},
		{"at the bound", bound, bound, false},
		{"above it", bound + 1, bound, true},
		{"far above it", 3 * bound, bound, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, test.sent))
			})
			w := fetch(t, server.Options{Client: client, FetchHosts: []string{"example.com"}}, "https://example.com/")
			var got struct {
				Bytes     int
				Truncated bool
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, test.bytes, got.Bytes)
			require.Equal(t, test.truncated, got.Truncated)
		})
	}
}

func TestFetch_RefusesBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		status    int
		reason    string
	}{
		{"no url", "", 400, "missing"},
		{"malformed", "https://exa mple.com/", 400, "malformed"},
		{"malformed port", "https://example.com:x/", 400, "malformed"},
		{"plain http", "http://example.com/", 403, "https"},
		{"file", "file:///etc/passwd", 403, "https"},
		{"no scheme", "//example.com/", 403, "https"},
		{"relative", "example.com", 403, "https"},
		{"opaque", "https:example.com", 403, "allow-list"},
		{"no host", "https:///x", 403, "allow-list"},
		{"host not listed", "https://other.test/", 403, "allow-list"},
		{"host below a listed one", "https://www.example.com/", 403, "allow-list"},
		{"host that starts as a listed one", "https://example.com.other.test/", 403, "allow-list"},
		{"host that ends as a listed one", "https://notexample.com/", 403, "allow-list"},
		{"trailing dot", "https://example.com./", 403, "allow-list"},
		{"listed host in the path", "https://other.test/https://example.com/", 403, "allow-list"},
		{"loopback", "https://127.0.0.1/", 403, "allow-list"},
		{"loopback in one number", "https://2130706433/", 403, "allow-list"},
		{"loopback in IPv6", "https://[::1]/", 403, "allow-list"},
		{"metadata service", "https://169.254.169.254/latest/", 403, "allow-list"},
		{"credentials", "https://user:" + secret + "@example.com/", 403, "credentials"},
		{"user name", "https://user@example.com/", 403, "credentials"},
		{"empty user name", "https://@example.com/", 403, "credentials"},
		{"listed host as user name", "https://example.com@other.test/", 403, "credentials"},
		{"other port", "https://example.com:8443/", 403, "port"},
		{"plain http's port", "https://example.com:80/", 403, "port"},
		{"port with a leading zero", "https://example.com:0443/", 403, "port"},
		{"port zero", "https://example.com:0/", 403, "port"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, errors.New("not reached")
			})}
			w := fetch(t, server.Options{Client: client, FetchHosts: []string{"example.com"}}, test.url)
			require.Equal(t, test.status, w.Code)
			reason := failure(t, w)
			require.Contains(t, reason, test.reason)
			require.NotContains(t, reason, secret)
		})
	}
}

func TestFetch_AllowsNothingByDefault(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"https://example.com/", "https:///", "https://"} {
		require.Equal(t, http.StatusForbidden, fetch(t, server.Options{}, target).Code)
	}
}

func TestFetch_FollowsRedirectsToAllowedHostsOnly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, location string
		status         int
		reason         string
	}{
		{"same host", "/end", 200, ""},
		{"other listed host", "https://www.example.com/end", 200, ""},
		{"host not listed", "https://inner.example.com/end", 403, "allow-list"},
		{"metadata service", "https://169.254.169.254/latest/", 403, "allow-list"},
		{"plain http", "http://example.com/end", 403, "https"},
		{"credentials", "https://user:" + secret + "@example.com/end", 403, "credentials"},
		{"other port", "https://example.com:8443/end", 403, "port"},
		{"without end", "/start", 502, "could not be fetched"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := upstream(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Referer() != "" {
					t.Errorf("referer %q", r.Referer())
				}
				if r.URL.Path == "/start" {
					http.Redirect(w, r, test.location, http.StatusFound)
				}
			})
			o := server.Options{Client: client, FetchHosts: []string{"example.com", "www.example.com"}}
			w := fetch(t, o, "https://example.com/start")
			require.Equal(t, test.status, w.Code, w.Body)
			if test.status != http.StatusOK {
				require.Contains(t, failure(t, w), test.reason)
			}
		})
	}
}

func TestFetch_SaysWhatWentWrongUpstreamWithoutInnerDetails(t *testing.T) {
	t.Parallel()
	// These two abort, since a handler's return would still end its answer properly.
	hanging := upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	stalling := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	cut := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	untrusting := &http.Client{Transport: upstream(t, nil).Transport.(*http.Transport).Clone()}
	untrusting.Transport.(*http.Transport).TLSClientConfig = nil
	tests := []struct {
		name    string
		client  *http.Client
		timeout time.Duration
		want    string
	}{
		{"no answer in time", hanging, 100 * time.Millisecond, "the host did not answer in time"},
		{"no body in time", stalling, 100 * time.Millisecond, "the host did not answer in time"},
		{"connection cut in the body", cut, time.Minute, "the host could not be fetched"},
		{"certificate of a stranger", untrusting, time.Minute, "the host's certificate is not trusted"},
		{"no connection", &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("dial tcp 10.1.2.3:443: connection refused")
		})}, time.Minute, "the host could not be fetched"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := fetch(t, server.Options{
				Client: test.client, FetchHosts: []string{"example.com"}, FetchTimeout: test.timeout,
				Log: slog.New(slog.NewJSONHandler(&log, nil)),
			}, "https://example.com/?token="+secret)
			require.Equal(t, http.StatusBadGateway, w.Code)
			require.Equal(t, test.want, failure(t, w))
			require.Contains(t, log.String(), `"msg":"fetch","host":"example.com","error":`)
			require.NotContains(t, log.String(), secret)
		})
	}
}

func FuzzFetch_ReachesAllowedHostsOnly(f *testing.F) {
	for _, target := range []string{
		"https://example.com/", "https://example.com:443", "https://example.com@other.test/", "https:example.com",
		"https://example.com:8443/", "https://[::1]/", "https://example.com\\@other.test/", "https://\u212Aexample.com/",
	} {
		f.Add(target)
	}
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Host != "example.com" || r.Host != r.URL.Host {
			panic("reached " + r.URL.String())
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})}
	handler := server.New(server.Options{Client: client, FetchHosts: []string{"example.com"}}).Handler()
	f.Fuzz(func(t *testing.T, target string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/fetch?url="+url.QueryEscape(target), nil))
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusForbidden}, w.Code)
		require.True(t, json.Valid(w.Body.Bytes()))
	})
}
