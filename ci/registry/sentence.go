package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/fault"
)

// explain turns an error into a sentence. It repeats no text of a registry, which
// has seen the credentials, but for its error codes.
func (r *Repository) explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	what, fix := r.sentence(err)
	if tired, ok := errors.AsType[*tiredError](err); ok {
		what += fmt.Sprintf(", in %d tries over %s", tired.tries, tired.spent.Round(1e9))
	}
	return fault.New(fault.Registry, "%s: %s", doing, what).WithFix("%s", fix).WithCause(err)
}

func (r *Repository) sentence(err error) (what, fix string) {
	const again = "run it again: what is there already is not sent again"
	host := r.Registry()
	if wrong, ok := errors.AsType[*mismatchError](err); ok {
		return fmt.Sprintf("%s has %s where %s belongs", host, wrong.got, wrong.want),
			"something between here and the registry, or the registry itself, changes what is sent: find it before you trust it"
	}
	if redirect, ok := errors.AsType[*ask.RedirectError](err); ok {
		return fmt.Sprintf("%s %s, which is not followed", host, redirect.What), cmp.Or(redirect.Fix, "correct the registry's own address in its configuration")
	}
	if _, ok := errors.AsType[*credentialsError](err); ok {
		return fmt.Sprintf("the credentials for %s could not be read", host), "log in again, or remove its entry from the credential store"
	}
	if content, ok := errors.AsType[*contentError](err); ok {
		return "what was built could not be read: " + ask.Brief(content.err), "build it again"
	}
	if status, ok := errors.AsType[*transport.Error](err); ok && !ask.IsCertificate(err) {
		return r.statusSentence(err, status)
	}
	if errors.Is(err, ErrNotFound) {
		return "the repository does not have it", "check the name"
	}
	if what, fix, ok := r.silence(err); ok {
		return what, fix
	}
	if r.answered.Load() && r.passes(err) {
		return fmt.Sprintf("the connection to %s broke off", host), again
	}
	what = fmt.Sprintf("%s gave no usable answer", host)
	if large, ok := errors.AsType[*tooLargeError](err); ok {
		what += fmt.Sprintf(": it has more than %d bytes", large.limit)
	} else if page, ok := errors.AsType[*unusableError](err); ok {
		what += ": " + page.what + " is something else"
	} else if errors.Is(err, errUnlisted) {
		what = "the list of referrers lacks what was added to it"
	} else if r.CredentialSource() == "" {
		what += ": " + ask.Brief(err)
	}
	return what, "check that a registry answers at " + host + ", and not a proxy or a login page"
}

// silence is the sentence for a registry that could not be talked to.
func (r *Repository) silence(err error) (what, fix string, ok bool) {
	host := r.Registry()
	fix = "check the name of the registry, the network and the proxy settings"
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case ask.IsCertificate(err), !r.plain && ask.IsTLS(err):
		return fmt.Sprintf("no trusted TLS connection to %s: %s", host, ask.Brief(err)),
			"check the clock and the CA certificates of this machine; a registry without TLS has to be named as one", true
	case isDNS && unknown.IsNotFound:
		return fmt.Sprintf("the host name %s is unknown", host), fix, true
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses connections", host), fix, true
	case errors.Is(err, ask.ErrSilent):
		return fmt.Sprintf("no answer of %s within %s", host, r.o.Wait), fix, true
	case errors.Is(err, ask.ErrStalled):
		return fmt.Sprintf("nothing moved to or from %s for %s", host, r.o.Stall), fix, true
	}
	return "", "", false
}

func (r *Repository) statusSentence(err error, e *transport.Error) (what, fix string) {
	host, name, source := r.Registry(), r.repo.RepositoryStr(), r.CredentialSource()
	_, connecting := errors.AsType[*handshakeError](err)
	what = fmt.Sprintf("%s answered HTTP %d%s", host, e.StatusCode, codes(e))
	switch code := e.StatusCode; {
	case isRefused(err) && source == "":
		return fmt.Sprintf("%s, no credentials were found that may %s %s", what, r.right(e, connecting), name),
			fmt.Sprintf("give credentials for %s: by a file with a token, in the environment, or with docker login %s", host, host)
	case code == http.StatusUnauthorized && connecting:
		return fmt.Sprintf("%s, it does not accept the credentials from %s, which should %s %s", what, source, r.right(e, connecting), name),
			"renew them, or give others"
	case isRefused(err):
		return fmt.Sprintf("%s, the credentials from %s lack the right to %s %s", what, source, r.right(e, connecting), name),
			"give them that right, or give others"
	case code == http.StatusNotFound && connecting:
		return fmt.Sprintf("there is no registry at %s: %s", host, what), "check its host and port"
	case isUnknown(err) && e.Request != nil && e.Request.Method == http.MethodPut:
		return what + ", it does not know what this refers to", "run it again; if that does not help, look into the registry's log for what it has lost"
	case code == http.StatusNotFound, hasCode(err, transport.NameUnknownErrorCode):
		return fmt.Sprintf("%s, it has no repository %s and makes none for a push", what, name),
			"create the repository, or check its name"
	case hasCode(err, transport.TagInvalidErrorCode, "TAG_IMMUTABLE"):
		return what + ", the tag cannot be moved there", "publish under a new version"
	case code == http.StatusTooManyRequests:
		return what + ": too many requests", "wait, and run it again: what is there already is not sent again"
	case code == http.StatusRequestEntityTooLarge:
		return what + ": what was sent is larger than it takes", "raise its limit, or that of the proxy before it"
	case code >= http.StatusInternalServerError:
		return what + ": the registry itself fails", "run it again later: what is there already is not sent again"
	}
	return what, "look into the registry's log for the reason"
}

// right names what somebody wanted to do.
func (r *Repository) right(e *transport.Error, connecting bool) string {
	push := r.o.Push && connecting
	if e.Request != nil && !connecting {
		push = e.Request.Method != http.MethodGet && e.Request.Method != http.MethodHead
	}
	if push {
		return "push to"
	}
	return "read"
}

// isCode is what an error code looks like: whatever else a registry writes there is
// not repeated.
var isCode = regexp.MustCompile(`^[A-Z][A-Z_]{2,39}$`)

func codes(e *transport.Error) string {
	var all []string
	for _, d := range e.Errors {
		if isCode.MatchString(string(d.Code)) && len(all) < 3 {
			all = append(all, string(d.Code))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " " + strings.Join(all, " ")
}
