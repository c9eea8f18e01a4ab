package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errSilent  = errors.New("no answer came in time")
	errStalled = errors.New("nothing more came in time")
)

// maxErrorBody bounds the page that comes with an error, in bytes.
const maxErrorBody = 32 << 10

// watch is a transport that gives up on a registry that says nothing: before its
// first answer after the wait, afterwards whenever nothing comes for the stall
// time. It cuts no answer that keeps coming.
type watch struct {
	inner       http.RoundTripper
	wait, stall time.Duration

	start    sync.Once
	deadline time.Time
	answered atomic.Bool
}

// RoundTrip sends a request. Reading its answer may end with a *brokenError.
func (w *watch) RoundTrip(req *http.Request) (*http.Response, error) {
	// One wait for the handshake's first requests together: a registry on
	// loopback is asked by HTTPS and HTTP.
	w.start.Do(func() { w.deadline = time.Now().Add(w.wait) })
	limit, why := time.Until(w.deadline), errSilent
	if w.answered.Load() {
		limit, why = w.stall, errStalled
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(limit, func() { cancel(why) })
	resp, err := w.inner.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = reason(ctx, err)
		cancel(nil)
		return nil, err
	}
	w.answered.Store(true)
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: w.stall, timer: timer}
	if resp.StatusCode >= http.StatusBadRequest {
		// A page that is too large must not hide the status.
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
	}
	return resp, nil
}

// reason returns why the context ended, if that is what the error comes from.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) || errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// watched is the body of an answer.
type watched struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
	timer  *time.Timer
}

func (b *watched) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, &brokenError{reason(b.ctx, err)}
}

func (b *watched) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// checkRedirect follows a registry to where it keeps its layers, but neither from
// HTTPS to HTTP nor from the outside into this machine or its network.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) >= 10:
		return &redirectError{"redirects ten times"}
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return &redirectError{fmt.Sprintf("redirects from HTTPS to %s", req.URL.Scheme)}
	case isInside(req.URL) && !isInside(first):
		return &redirectError{fmt.Sprintf("redirects to the private address %s", req.URL.Hostname())}
	}
	return nil
}

func isInside(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return false
	}
	ip := net.IP(a.Unmap().AsSlice())
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
}
