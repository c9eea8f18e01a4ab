// Package ask is how registries are asked: with patience for one that keeps sending
// and none for one that is silent, never redirected into this machine's network, and
// with a clause for whatever goes wrong.
package ask

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrSilent says that nothing came before the wait was over.
	ErrSilent = errors.New("no answer came in time")
	// ErrStalled says that nothing more came for the stall time.
	ErrStalled = errors.New("nothing more came in time")
)

// BrokenError is an answer that ended in its middle.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string { return "reading the answer: " + e.Err.Error() }

// Unwrap returns why it ended.
func (e *BrokenError) Unwrap() error { return e.Err }

// RedirectError is a redirect that is not followed. What goes on a sentence that
// begins with "it", and Fix is what to do about it, if that is known.
type RedirectError struct{ What, Fix string }

func (e *RedirectError) Error() string { return e.What }

// maxErrorBody bounds the page that comes with an error, in bytes.
const maxErrorBody = 32 << 10

// Transport gives up on a registry that says nothing: before its first answer after
// Wait, afterwards whenever nothing comes for Stall. It cuts no answer that keeps
// coming.
type Transport struct {
	Inner       http.RoundTripper
	Wait, Stall time.Duration

	start    sync.Once
	deadline time.Time
	answered atomic.Bool
}

// Answered tells whether any HTTP answer came.
func (t *Transport) Answered() bool { return t.answered.Load() }

// RoundTrip sends a request. Reading its answer may end with a *BrokenError.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// One wait for the handshake's first requests together: a registry on
	// loopback is asked by HTTPS and HTTP.
	t.start.Do(func() { t.deadline = time.Now().Add(t.Wait) })
	limit, why := time.Until(t.deadline), ErrSilent
	if t.answered.Load() {
		limit, why = t.Stall, ErrStalled
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(limit, func() { cancel(why) })
	req = req.WithContext(ctx)
	var sent *sending
	if req.Body != nil && req.Body != http.NoBody {
		sent = &sending{ReadCloser: req.Body, timer: timer, stall: max(limit, t.Stall)}
		req.Body = sent
	}
	resp, err := t.Inner.RoundTrip(req)
	sent.end()
	timer.Stop()
	if err != nil {
		err = reason(ctx, err)
		cancel(nil)
		return nil, err
	}
	t.answered.Store(true)
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: t.Stall, timer: timer}
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
	if cause := context.Cause(ctx); errors.Is(cause, ErrSilent) || errors.Is(cause, ErrStalled) {
		return cause
	}
	return err
}

// sending is the body of a request. A registry that takes it is not silent.
type sending struct {
	io.ReadCloser
	timer *time.Timer
	stall time.Duration

	mu    sync.Mutex
	ended bool
}

func (b *sending) Read(p []byte) (int, error) {
	b.mu.Lock()
	if !b.ended {
		b.timer.Reset(b.stall)
	}
	b.mu.Unlock()
	return b.ReadCloser.Read(p)
}

// end says that the answer has come, maybe before all was sent.
func (b *sending) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
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
	return n, &BrokenError{reason(b.ctx, err)}
}

func (b *watched) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
