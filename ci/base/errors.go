package base

import (
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
)

var errUnreachable = errors.New("the registry is unreachable")

// IsUnreachable tells whether a registry gave no HTTP answer at all: an unknown
// name, no connection, or silence. A registry that answered anything, or that
// showed a certificate which is not trusted, was reached.
func IsUnreachable(err error) bool { return errors.Is(err, errUnreachable) }

// mismatchError is content that is not what its digest says.
type mismatchError struct {
	got  v1.Hash
	page bool // it is a page for people
}

func (e *mismatchError) Error() string { return "the content has the digest " + e.got.String() }

// tooLargeError is content that has more than limit bytes.
type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string { return fmt.Sprintf("it has more than %d bytes", e.limit) }

// credentialsError is a keychain that broke down.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "reading the credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// passes tells whether another attempt may succeed.
func passes(err error) bool {
	if status, ok := errors.AsType[*transport.Error](err); ok {
		switch status.StatusCode {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	_, broken := errors.AsType[*ask.BrokenError](err)
	return broken && !errors.Is(err, ask.ErrStalled)
}

// isSilence tells whether an error from a registry that sent no HTTP answer leaves
// nothing that shows somebody was there. A server on loopback that speaks HTTP and
// then says nothing has refused TLS first, which does not count.
func isSilence(err error) bool {
	if isCredentials(err) || ask.IsCertificate(err) {
		return false
	}
	return errors.Is(err, ask.ErrSilent) || !ask.IsTLS(err)
}

func isCredentials(err error) bool {
	_, ok := errors.AsType[*credentialsError](err)
	return ok
}
