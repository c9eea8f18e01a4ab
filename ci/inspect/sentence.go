package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
)

// sentence says what went wrong with a registry, and the fix.
func (r *remote) sentence(err error) (what, fix string) {
	host := r.ref.Context().RegistryStr()
	const network = "check the name, the network and the proxy settings"
	if _, ok := errors.AsType[*credentialsError](err); ok {
		return "the credentials for " + host + " could not be read", "log in to it again, or remove its entry from the credential store"
	}
	if redirect, ok := errors.AsType[*ask.RedirectError](err); ok {
		return fmt.Sprintf("%s %s, which is not followed", host, redirect.What), cmp.Or(redirect.Fix, network)
	}
	if errors.Is(err, ask.ErrSilent) || errors.Is(err, ask.ErrStalled) {
		return fmt.Sprintf("%s sent nothing for %s", host, r.stall), network
	}
	if ask.IsCertificate(err) {
		return "no trusted TLS connection to " + host + ": " + ask.Brief(err), "check the clock and the CA certificates of this machine"
	}
	status, ok := errors.AsType[*transport.Error](err)
	switch {
	case !ok && r.known:
		return host + " gave no usable answer", network
	case !ok:
		return host + " gave no usable answer: " + ask.Brief(err), network
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

// printable takes out of a text what a terminal would not print but obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
