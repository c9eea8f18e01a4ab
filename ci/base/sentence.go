package base

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/fault"
)

// explain turns an error into the sentence for it. It repeats nothing that a
// credential helper wrote, or that a registry wrote after it saw credentials.
func (r *registry) explain(ctx context.Context, k kind, h v1.Hash, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("fetching base %s: %w", r.pin, context.Cause(ctx))
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	what, fix := r.sentence(string(k)+" "+h.String(), err)
	if !r.watch.Answered() && isSilence(err) {
		what, fix = r.silence(err)
		err = fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return fault.New(fault.Registry, "fetching base %s from %s: %s", r.pin, r.place(), what).WithFix("%s", fix).WithCause(err)
}

// place names the registry that was asked.
func (r *registry) place() string {
	if asked := r.repo.RegistryStr(); asked != r.home {
		return fmt.Sprintf("%s, the mirror of %s", asked, r.home)
	}
	return r.home
}

// silence returns the sentence for a registry that gave no answer.
func (r *registry) silence(err error) (what, fix string) {
	fix = fmt.Sprintf("check the network and the proxy settings, name a mirror of %s, or build on the builtin base", r.home)
	if r.repo.RegistryStr() != r.home {
		fix = "start that mirror, correct its address, or build without it"
	}
	unknown, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && unknown.IsNotFound:
		return "its host name is unknown", fix
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections", fix
	case errors.Is(err, ask.ErrSilent), errors.Is(err, ask.ErrStalled):
		return fmt.Sprintf("no answer within %s", r.watch.Wait), fix
	}
	return "no connection: " + ask.Brief(err), fix
}

// sentence returns the sentence for a registry that was reached.
func (r *registry) sentence(asked string, err error) (what, fix string) {
	const again = "try again, or use a mirror"
	if wrong, ok := errors.AsType[*mismatchError](err); ok && wrong.page {
		return "a web page came instead of " + asked,
			"look whether a proxy or a login page answers in the registry's place, and check the image's name"
	} else if ok {
		return fmt.Sprintf("%s came instead of %s", wrong.got, asked),
			"do not trust that source until it is clear who changed the bytes; the pin itself may be right"
	}
	if large, ok := errors.AsType[*tooLargeError](err); ok {
		return fmt.Sprintf("%s has more than the %d bytes that are read", asked, large.limit), "check that the pin names a container image"
	}
	if redirect, ok := errors.AsType[*ask.RedirectError](err); ok {
		return fmt.Sprintf("asked for %s, it %s, which is not followed", asked, redirect.What), cmp.Or(redirect.Fix, "correct the registry, or use a mirror")
	}
	if isCredentials(err) {
		return "the credentials for it could not be read", fmt.Sprintf("log in to %s again, or remove its entry from the credential store", r.repo.RegistryStr())
	}
	if errors.Is(err, ask.ErrStalled) {
		return fmt.Sprintf("nothing more of %s came for %s", asked, r.watch.Stall), again
	}
	if _, ok := errors.AsType[*ask.BrokenError](err); ok {
		return "the connection broke off in the middle of " + asked, again
	}
	status, ok := errors.AsType[*transport.Error](err)
	if ok && !ask.IsCertificate(err) {
		return r.statusSentence(asked, status)
	}
	if ask.IsTLS(err) {
		return "no trusted TLS connection: " + ask.Brief(err),
			"check the clock and the CA certificates of this machine; a proxy that opens TLS needs its CA among them"
	}
	what = fmt.Sprintf("asked for %s, it gave no usable answer", asked)
	if !r.known.Load() {
		what += ": " + ask.Brief(err)
	}
	return what, again
}

func (r *registry) statusSentence(asked string, status *transport.Error) (what, fix string) {
	host, code := r.repo.RegistryStr(), status.StatusCode
	what = fmt.Sprintf("asked for %s, it answered HTTP %d", asked, code)
	switch {
	case code == http.StatusUnauthorized && !r.known.Load():
		return what + ": it wants credentials", fmt.Sprintf("log in to %s (docker login %s), or check the image's name: "+
			"many registries answer so for a name that they do not have", host, host)
	case code == http.StatusUnauthorized:
		return what + ": it does not accept the credentials", fmt.Sprintf("log in to %s again (docker login %s)", host, host)
	case code == http.StatusForbidden:
		return what + ": access is denied", fmt.Sprintf("use credentials for %s that may pull %s, or check the image's name", host, r.repo.RepositoryStr())
	case code == http.StatusNotFound && status.Request != nil && status.Request.URL.Path == "/v2/":
		return "there is no registry: /v2/ is HTTP 404", "correct the host and port"
	case code == http.StatusNotFound:
		return what + ": it does not have it", "check the image's name; if that is right, the digest is gone: pin the one that the tag has now"
	case code == http.StatusTooManyRequests:
		return what + ": too many requests", fmt.Sprintf("wait, log in to %s for a higher limit, or use a mirror", host)
	case code >= http.StatusInternalServerError:
		return what + ": the registry itself fails", "try again later, or use a mirror"
	}
	return what, "check the image's name and that the host is a registry"
}
