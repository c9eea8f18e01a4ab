package ask

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/fault"
)

// Place returns where a repository is asked for: on the mirror of its registry, if
// there is one, under the same name. Mirrors maps a registry's host to a host[:port]; one that
// is not is a *fault.Error.
func Place(repo name.Repository, mirrors map[string]string) (name.Repository, error) {
	home := repo.RegistryStr()
	mirror, ok := mirrors[home]
	if !ok && home == name.DefaultRegistry {
		mirror, ok = mirrors["docker.io"]
	}
	if !ok {
		return repo, nil
	}
	var err error
	if repo.Registry, err = name.NewRegistry(mirror, name.StrictValidation); err != nil {
		return repo, fault.New(fault.Usage, "mirror %q of %s is not a host", mirror, home).WithCause(err).
			WithFix("write HOST or HOST:PORT, without a scheme and a path")
	}
	return repo, nil
}

// Clause says what went wrong with a registry that was asked without credentials,
// as in "it refuses connections".
func (t *Transport) Clause(err error) string {
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	status, isStatus := errors.AsType[*transport.Error](err)
	redirect, isRedirect := errors.AsType[*RedirectError](err)
	_, isBroken := errors.AsType[*BrokenError](err)
	switch {
	case isRedirect:
		return fmt.Sprintf("it %s, which is not followed", redirect.What)
	case errors.Is(err, ErrSilent):
		return fmt.Sprintf("no answer within %s", t.Wait)
	case errors.Is(err, ErrStalled):
		return fmt.Sprintf("nothing more came for %s", t.Stall)
	case isBroken:
		return "the connection broke off"
	case IsCertificate(err):
		return "no trusted TLS connection: " + Brief(err)
	case isStatus:
		return statusClause(status.StatusCode)
	case IsTLS(err):
		return "no trusted TLS connection: " + Brief(err)
	case isDNS && unknown.IsNotFound:
		return "its host name is unknown"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections"
	case !t.Answered():
		return "no connection: " + Brief(err)
	}
	return "it gave no usable answer: " + Brief(err)
}

func statusClause(code int) string {
	what := fmt.Sprintf("it answered HTTP %d", code)
	switch {
	case code == http.StatusUnauthorized:
		return what + ": it wants credentials"
	case code == http.StatusForbidden:
		return what + ": access is denied"
	case code == http.StatusNotFound:
		return what + ": it does not have it"
	case code == http.StatusTooManyRequests:
		return what + ": too many requests"
	case code >= http.StatusInternalServerError:
		return what + ": the registry itself fails"
	}
	return what
}

// IsCertificate tells whether a server showed a certificate that is not trusted.
func IsCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// IsTLS tells whether somebody was there who could not be talked to by TLS. The
// text is compared because the alerts of crypto/tls have no exported type.
func IsTLS(err error) bool {
	return IsCertificate(err) || errors.Is(err, http.ErrSchemeMismatch) || err != nil && strings.Contains(err.Error(), "tls: ")
}

// Brief returns an error's first line without the URL, whose query may be signed.
func Brief(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line = strings.ToValidUTF8(line, "?")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "..."
	}
	return strings.Map(printable, line)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
