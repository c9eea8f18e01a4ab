package inspect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// sentence says what went wrong with a registry, and the fix.
func (r *remote) sentence(err error) (what, fix string) {
	host := r.ref.Context().RegistryStr()
	const network = "check the name, the network and the proxy settings"
	if _, ok := errors.AsType[*credentialsError](err); ok {
		return "the credentials for " + host + " could not be read", "log in to it again, or remove its entry from the credential store"
	}
	if stalled, ok := errors.AsType[*stallError](err); ok {
		return host + " " + stalled.Error(), network
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "no trusted TLS connection to " + host + ": " + brief(err), "check the clock and the CA certificates of this machine"
	}
	status, ok := errors.AsType[*transport.Error](err)
	switch {
	case !ok && r.known:
		return host + " gave no usable answer", network
	case !ok:
		return host + " gave no usable answer: " + brief(err), network
	}
	what = fmt.Sprintf("%s answered HTTP %d", host, status.StatusCode)
	switch status.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return what + ", access denied", fmt.Sprintf("log in to %s (docker login %s), or check the name: many registries answer so for one that they do not have", host, host)
	case http.StatusNotFound:
		return what + ", not found", "check the name and the tag or digest; a path on this machine begins with ./ or /"
	case http.StatusTooManyRequests:
		return what + ", too many requests", "wait, or log in for a higher limit"
	}
	return what, "try again later"
}

// brief returns an error's first line without the URL, whose query may be signed.
func brief(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return printable(line[:min(200, len(line))])
}

// printable takes out of a text what a terminal would not print but obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// maxErrorBody bounds the page that comes with an error, in bytes.
const maxErrorBody = 32 << 10

// stallError is a registry from which nothing came for that long.
type stallError struct{ after time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("sent nothing for %s", e.after) }

// watch is a transport that gives up on a registry that says nothing, before its
// answer and in the middle of it. It cuts none that keeps coming.
type watch struct {
	inner http.RoundTripper
	stall time.Duration
}

// RoundTrip sends a request.
func (w *watch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(w.stall, func() { cancel(&stallError{w.stall}) })
	resp, err := w.inner.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = stalled(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, timer: timer, stall: w.stall}
	if resp.StatusCode >= http.StatusBadRequest {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
	}
	return resp, nil
}

func stalled(ctx context.Context, err error) error {
	if s, ok := errors.AsType[*stallError](context.Cause(ctx)); ok {
		return s
	}
	return err
}

type watched struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

func (b *watched) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = stalled(b.ctx, err)
	}
	return n, err
}

// Close ends the request.
func (b *watched) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
