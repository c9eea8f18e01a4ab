package rig

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// tokenPath is where a registry with a token server has it.
const tokenPath = "/token"

// Kind is what a request asks of a registry.
type Kind string

// The kinds of requests. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
const (
	Ping         Kind = "ping"
	TokenGet     Kind = "token"
	BlobHead     Kind = "blob head"
	BlobGet      Kind = "blob get"
	BlobMount    Kind = "blob mount"
	UploadStart  Kind = "upload start"
	UploadChunk  Kind = "upload chunk"
	UploadEnd    Kind = "upload end"
	UploadCancel Kind = "upload cancel"
	ManifestHead Kind = "manifest head"
	ManifestGet  Kind = "manifest get"
	// ManifestPut is by digest, TagPut by tag.
	ManifestPut Kind = "manifest put"
	TagPut      Kind = "tag put"
	TagsList    Kind = "tags list"
	Referrers   Kind = "referrers"
	Other       Kind = "other"
)

// Writes tells whether a request changes what is in the registry. One that begins an
// upload does not by itself: who begins and cancels one asks whether he may.
func (k Kind) Writes() bool {
	return slices.Contains([]Kind{BlobMount, UploadChunk, UploadEnd, ManifestPut, TagPut, Other}, k)
}

// Request is one that a proxy saw.
type Request struct {
	Kind       Kind
	Repository string
	// Reference is a tag or a digest.
	Reference string
	// N counts from 1.
	N int
}

// Around is called with each request instead of the registry, which is next.
type Around func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler)

// Proxy is in front of a registry without TLS. It counts requests, and a test may come
// between.
type Proxy struct {
	// Address is its host and port.
	Address string

	server *httptest.Server
	next   http.Handler
	// tokens are at /token, or nil. Clients distrust a token server on the loopback
	// address, but not on the host and port of the registry.
	tokens *Tokens
	mu     sync.Mutex
	seen   []Request
	around Around
	// busy counts the requests that are under way.
	busy int
	idle *sync.Cond
}

// NewProxy starts a proxy in front of the registry at an address. Close stops it.
func NewProxy(target string) *Proxy {
	p := &Proxy{next: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			// The registry makes the addresses of uploads of it.
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}}
	p.idle = sync.NewCond(&p.mu)
	p.server = httptest.NewUnstartedServer(p)
	// A client that is killed in the middle of a request is no news.
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.Start()
	p.Address = strings.TrimPrefix(p.server.URL, "http://")
	return p
}

// Close waits for what is under way and stops the proxy.
func (p *Proxy) Close() { p.server.Close() }

// Between lets a test come between from here on, or with nil no more.
func (p *Proxy) Between(around Around) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.around = around
}

// Take returns what the proxy saw since it was last asked, and counts from 1 again.
func (p *Proxy) Take() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

// Idle waits until no request is under way.
func (p *Proxy) Idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 {
		p.idle.Wait()
	}
}

func (p *Proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.idle.Broadcast()
}

// ServeHTTP passes a request on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := parse(r)
	p.mu.Lock()
	what.N = len(p.seen) + 1
	p.seen = append(p.seen, what)
	p.busy++
	around := p.around
	p.mu.Unlock()
	defer p.leave()
	if what.Kind == TokenGet && p.tokens != nil {
		p.tokens.ServeHTTP(w, r)
		return
	}
	// What a client began is brought to its end, also if nobody waits for it any more: a
	// registry does so too, and a test has to know when.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	if around == nil {
		p.next.ServeHTTP(w, r)
		return
	}
	around(w, r, what, p.next)
}

// parse tells what a request asks for. Names of repositories have slashes in them.
func parse(r *http.Request) Request {
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	switch {
	case r.URL.Path == tokenPath:
		return Request{Kind: TokenGet}
	case !ok || path == "":
		return Request{Kind: Ping}
	}
	for _, part := range []string{"/blobs/uploads/", "/blobs/", "/manifests/", "/tags/", "/referrers/"} {
		at := strings.LastIndex(path, part)
		if at < 0 {
			continue
		}
		what := Request{Kind: Other, Repository: path[:at], Reference: path[at+len(part):]}
		switch part {
		case "/blobs/uploads/":
			what.Kind = uploads(r)
		case "/blobs/":
			what.Kind = reading(r, BlobHead, BlobGet)
		case "/manifests/":
			what.Kind = manifests(r, what.Reference)
		case "/tags/":
			what.Kind = reading(r, Other, TagsList)
		case "/referrers/":
			what.Kind = reading(r, Other, Referrers)
		}
		return what
	}
	return Request{Kind: Other}
}

func reading(r *http.Request, head, get Kind) Kind {
	switch r.Method {
	case http.MethodHead:
		return head
	case http.MethodGet:
		return get
	}
	return Other
}

func uploads(r *http.Request) Kind {
	switch {
	case r.Method == http.MethodPost && r.URL.Query().Has("mount"):
		return BlobMount
	case r.Method == http.MethodPost:
		return UploadStart
	case r.Method == http.MethodPatch:
		return UploadChunk
	case r.Method == http.MethodPut:
		return UploadEnd
	case r.Method == http.MethodDelete:
		return UploadCancel
	}
	return Other
}

func manifests(r *http.Request, reference string) Kind {
	if r.Method != http.MethodPut {
		return reading(r, ManifestHead, ManifestGet)
	}
	if strings.Contains(reference, ":") {
		return ManifestPut
	}
	return TagPut
}
