package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultFetchTimeout is below DefaultShutdownTimeout, so that a stop cuts no fetch.
const DefaultFetchTimeout = 5 * time.Second

const (
	maxFetchBytes       = 1 << 20
	maxFetchHeaderBytes = 64 << 10
	maxRedirects        = 5
)

// fetched is what /fetch answers: facts about the answer, never its body, so that
// the service is no proxy.
type fetched struct {
	Host      string `json:"host"`
	Status    int    `json:"status"`
	Bytes     int64  `json:"bytes"`
	Truncated bool   `json:"truncated"`
	TLS       string `json:"tls"`
	Issuer    string `json:"issuer"`
}

// refusal is a URL that the rules of /fetch do not allow.
type refusal string

func (r refusal) Error() string { return string(r) }

// fetcher makes requests to allow-listed hosts. That a host is who it says it is
// follows from its certificate, so the addresses it resolves to are not judged.
type fetcher struct {
	client  *http.Client
	hosts   []string
	timeout time.Duration
	agent   string
}

func newFetcher(client *http.Client, hosts []string, timeout time.Duration, agent string) fetcher {
	f := fetcher{hosts: slices.Clone(hosts), timeout: timeout, agent: agent}
	guarded := *client
	guarded.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("stopping after %d redirects", maxRedirects)
		}
		r.Header.Del("Referer") // It would tell one host the whole URL at another.
		return f.allow(r.URL)
	}
	f.client = &guarded
	return f
}

// newTransport is the standard library's with bounds of our own.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = maxFetchHeaderBytes
	t.DisableCompression = true // Bytes are counted as they were sent.
	return t
}

// fetch gets the URL of the url parameter and answers with what came back.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request) {
	values, err := query(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the query is malformed")
		return
	}
	target, err := url.Parse(values.Get("url"))
	if err != nil || *target == (url.URL{}) {
		refuse(w, http.StatusBadRequest, "url is missing or malformed: want one like https://example.com/")
		return
	}
	answer, err := s.fetcher.get(r.Context(), target)
	if reason, ok := errors.AsType[refusal](err); ok {
		refuse(w, http.StatusForbidden, reason.Error())
		return
	}
	if err != nil {
		// The cause may name inner addresses: it is for the log, not for the caller.
		s.log.WarnContext(r.Context(), "fetch", "host", target.Hostname(), "error", err.Error())
		refuse(w, http.StatusBadGateway, upstreamFailure(err))
		return
	}
	respond(w, http.StatusOK, answer)
}

// allow returns a refusal unless the URL is one that may be fetched.
func (f fetcher) allow(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return refusal("only https is fetched")
	case u.User != nil:
		return refusal("a URL with credentials is not fetched")
	case u.Port() != "" && u.Port() != "443":
		return refusal("only port 443 is fetched")
	case !slices.Contains(f.hosts, strings.ToLower(u.Hostname())):
		return refusal("the host is not in the allow-list")
	}
	return nil
}

// get fetches an allowed URL and reads its body up to maxFetchBytes. The error is
// a refusal where a rule stopped it, at the URL or at a redirect.
func (f fetcher) get(ctx context.Context, u *url.URL) (fetched, error) {
	if err := f.allow(u); err != nil {
		return fetched{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	listed := *u
	listed.Host = strings.ToLower(u.Hostname()) // As it was judged; 443 is the port of https anyway.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, listed.String(), nil)
	if err != nil {
		return fetched{}, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("User-Agent", f.agent)
	response, err := f.client.Do(request)
	if err != nil {
		return fetched{}, withoutURL(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxFetchBytes+1))
	if err != nil {
		return fetched{}, fmt.Errorf("reading the body: %w", err)
	}
	answer := fetched{
		Host:      response.Request.URL.Hostname(),
		Status:    response.StatusCode,
		Bytes:     min(n, maxFetchBytes),
		Truncated: n > maxFetchBytes,
	}
	if state := response.TLS; state != nil && len(state.PeerCertificates) > 0 {
		answer.TLS = tls.VersionName(state.Version)
		answer.Issuer = state.PeerCertificates[0].Issuer.String()
	}
	return answer, nil
}

// withoutURL takes off the client's own wrapping, which quotes the whole URL.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// upstreamFailure says as much about a failed fetch as its caller may know.
func upstreamFailure(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the host did not answer in time"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the host's certificate is not trusted"
	}
	return "the host could not be fetched"
}
