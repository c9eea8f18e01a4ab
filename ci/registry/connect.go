package registry

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
)

// credentialsError is a keychain that broke down. What it says is safe to print if
// it is a sentence of ci/registry/auth, and is not printed otherwise.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "reading the credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// connect finds out, before the first request, how the registry wants to be asked.
func (r *Repository) connect(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	auth, err := r.credentials(ctx)
	if err != nil {
		return nil, &credentialsError{err}
	}
	// A transport gives up for good after the first wait, so each attempt has its own.
	watched := &ask.Transport{Inner: r.o.Transport, Wait: r.o.Wait, Stall: r.o.Stall}
	if r.answered.Load() {
		watched.Wait = r.o.Stall
	}
	outer := transport.NewUserAgent(&guard{inner: &ask.Realm{Inner: watched, Registry: r.Registry()}, repository: r}, "slipway")
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Wait+r.o.Stall, ask.ErrStalled)
	defer cancel()
	asks, err := transport.NewWithContext(ctx, r.repo.Registry, auth, outer, r.scopes())
	if isRefused(err) && len(r.from) > 0 && !r.narrow {
		// Some token servers give nothing where one of several rights is missing.
		r.narrow = true
		asks, err = transport.NewWithContext(ctx, r.repo.Registry, auth, outer, r.scopes())
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), ask.ErrStalled) {
			err = ask.ErrStalled
		}
		return nil, &handshakeError{err}
	}
	r.client = &http.Client{Transport: asks, CheckRedirect: ask.CheckRedirect}
	return r.client, nil
}

// handshakeError is a registry that could not be asked yet.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "connecting: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

func (r *Repository) scopes() []string {
	want := transport.PullScope
	if r.o.Push {
		want = transport.PushScope
	}
	// Some token servers look at the first one only.
	all := []string{r.repo.Scope(want)}
	if !r.narrow {
		for _, from := range r.from {
			all = append(all, from.Scope(transport.PullScope))
		}
	}
	return all
}

// credentials are read before anything is sent, so that what a helper prints when it
// breaks down is not taken for an answer of the registry.
func (r *Repository) credentials(ctx context.Context) (authn.Authenticator, error) {
	auth, err := authn.Resolve(ctx, r.o.Keychain, r.repo)
	if err != nil {
		return nil, err
	}
	config, err := authn.Authorization(ctx, cmp.Or(auth, authn.Anonymous))
	if err != nil {
		return nil, err
	}
	r.source = ""
	if *config == (authn.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	r.source = "the keychain"
	if s, ok := auth.(interface{ Source() string }); ok {
		r.source = s.Source()
	}
	return authn.FromConfig(*config), nil
}

// guard is the last one before a request leaves. What is above it sends requests of
// its own accord: to token servers, and after redirects.
type guard struct {
	inner      http.RoundTripper
	repository *Repository
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	home := &url.URL{Scheme: "https", Host: g.repository.repo.RegistryStr()}
	if g.repository.plain {
		home.Scheme = "http"
	}
	if err := ask.CheckLocation(home, req.URL); err != nil {
		closeBody(req)
		return nil, err
	}
	if req.GetBody != nil {
		// A request is sent again when its token has expired, with a body of which
		// the first sending has left nothing.
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		closeBody(req)
		again := *req
		again.Body = body
		req = &again
	}
	resp, err := g.inner.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	g.repository.answered.Store(true)
	if a, ok := req.Context().Value(attemptKey{}).(*attempt); ok {
		a.listen(resp, g.repository.o.Clock.Now())
	}
	return resp, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

type attemptKey struct{}

// attempt is what was heard while one thing was tried once.
type attempt struct{ after atomic.Int64 }

func (a *attempt) listen(resp *http.Response, now time.Time) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		a.after.Store(int64(retryAfter(resp.Header.Get("Retry-After"), now)))
	}
}
