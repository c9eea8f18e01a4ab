package ask

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Realm is a transport that lets a registry on this machine have its token server on
// another port of it. go-containerregistry asks for tokens at no private address but the
// registry's own, whoever names one. So it is given the name localhost in place of the
// loopback address, and what it sends there goes to the address. Whatever else it would
// refuse is a *RedirectError that says so.
type Realm struct {
	Inner http.RoundTripper
	// Registry is the host of the registry, with its port if it has one.
	Registry string

	mu sync.Mutex
	// at are addresses by the names that were given for them.
	at map[string]string
}

// RoundTrip sends a request.
func (t *Realm) RoundTrip(req *http.Request) (*http.Response, error) {
	if address := t.address(req.URL.Host); address != "" {
		to, at := *req, *req.URL
		at.Host = address
		to.URL, to.Host = &at, address
		return t.Inner.RoundTrip(&to)
	}
	resp, err := t.Inner.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.URL.Host != t.Registry {
		return resp, err
	}
	if err := t.name(resp.Header.Values("WWW-Authenticate")); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func (t *Realm) address(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[name]
}

// realm is where a challenge says that tokens are.
// https://distribution.github.io/distribution/spec/auth/token/
var realm = regexp.MustCompile(`(?i)^(bearer .*\brealm=")([^"]*)(".*)$`)

// name writes names for addresses into challenges.
func (t *Realm) name(challenges []string) error {
	here := isLoopback(t.Registry)
	for i, challenge := range challenges {
		parts := realm.FindStringSubmatch(challenge)
		if parts == nil {
			continue
		}
		u, err := url.Parse(parts[2])
		if err != nil || u.Host == t.Registry {
			continue
		}
		switch a, literal := address(u.Hostname()); {
		case !literal || !isInside(u):
		case here && a.IsLoopback():
			local := "localhost"
			if port := u.Port(); port != "" {
				local = net.JoinHostPort(local, port)
			}
			t.mu.Lock()
			if t.at == nil {
				t.at = map[string]string{}
			}
			t.at[local], u.Host = u.Host, local
			t.mu.Unlock()
			challenges[i] = parts[1] + u.String() + parts[3]
		case len(challenges) == 1:
			return &RedirectError{
				What: fmt.Sprintf("sends for tokens to the private address %s", u.Hostname()),
				Fix:  "let it name its token server by a host name, or at its own host and port",
			}
		}
	}
	return nil
}

func isLoopback(registry string) bool {
	host := (&url.URL{Host: registry}).Hostname()
	a, ok := address(host)
	return strings.EqualFold(host, "localhost") || ok && a.IsLoopback()
}
