// Package registrytest is a registry on loopback that fails on demand, and that
// notices if a tag ever points to something incomplete.
package registrytest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Options say what kind of registry it is.
type Options struct {
	// Registry is what handles requests. The default is go-containerregistry's registry.
	Registry http.Handler
	// NoReferrers leaves out the referrers API.
	NoReferrers bool
	// Token makes clients fetch a token first.
	Token bool
	// Attestations is how many attestations an index has to have before a tag may
	// point to it.
	Attestations int
	// Before is called with every request before it is handled. If it answers the
	// request itself, it returns true.
	Before func(*Request, http.ResponseWriter) bool
	// After is called when a request was handled and before its answer is sent, which
	// it may change. If it answers itself, it returns true.
	After func(*Request, *httptest.ResponseRecorder, http.ResponseWriter) bool
}

// Request is one request as the registry sees it.
type Request struct {
	*http.Request
	Kind Kind
	Body []byte
	// N counts from 1.
	N int
}

// Server is a running registry.
type Server struct {
	// Host is HOST:PORT.
	Host  string
	inner http.Handler
	o     Options

	mu       sync.Mutex
	seen     []*Request
	token    int // number of the token that is valid
	subjects map[string][]string
	broken   []string
}

// Start runs a registry until the test ends.
func Start(t testing.TB, o Options) *Server {
	s := &Server{
		inner: o.Registry, o: o, subjects: map[string][]string{},
	}
	if s.inner == nil {
		s.inner = registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0)), registry.WithReferrersSupport(!o.NoReferrers))
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.Host = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	req := &Request{Request: r, Kind: kindOf(r, body), Body: body}
	s.mu.Lock()
	s.seen = append(s.seen, req)
	req.N = len(s.seen)
	s.mu.Unlock()
	if s.o.Before != nil && s.o.Before(req, w) {
		return
	}
	answer := s.Handle(req)
	if s.o.After != nil && s.o.After(req, answer, w) {
		return
	}
	Send(w, answer)
}

// Handle lets the registry handle a request, and checks what it holds then.
func (s *Server) Handle(req *Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	switch {
	case req.Kind == TokenGet:
		s.mu.Lock()
		fmt.Fprintf(answer, `{"token":"token-%d"}`, s.token)
		s.mu.Unlock()
		return answer
	case s.o.Token && req.Header.Get("Authorization") != s.valid():
		s.challenge(answer)
		return answer
	}
	req.Request.Body = io.NopCloser(bytes.NewReader(req.Body))
	s.inner.ServeHTTP(answer, req.Request)
	if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") && answer.Code < 300 {
		s.remember(req)
		s.check(req)
	}
	return answer
}

func (s *Server) valid() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("Bearer token-%d", s.token)
}

func (s *Server) challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, s.Host))
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
}

// Expire makes every token that was given out invalid.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token++
}

// Send writes a recorded answer.
func Send(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// Requests returns what was asked so far, as METHOD KIND.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]string, len(s.seen))
	for i, r := range s.seen {
		all[i] = r.Method + " " + string(r.Kind)
	}
	return all
}

// Count returns how many requests of a kind there were, or of all kinds.
func (s *Server) Count(kinds ...Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.seen {
		for _, kind := range kinds {
			if r.Kind == kind {
				n++
			}
		}
	}
	if len(kinds) == 0 {
		return len(s.seen)
	}
	return n
}

// Broken returns where a tag pointed to something incomplete.
func (s *Server) Broken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.broken...)
}

// Get reads from the registry behind the faults.
func (s *Server) Get(path string) *httptest.ResponseRecorder {
	answer, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
	r.Header["Accept"] = []string{"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"}
	s.inner.ServeHTTP(answer, r)
	return answer
}

// Put writes to the registry behind the faults.
func (s *Server) Put(path, mediaType string, body []byte) *httptest.ResponseRecorder {
	answer, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	s.inner.ServeHTTP(answer, r)
	return answer
}
