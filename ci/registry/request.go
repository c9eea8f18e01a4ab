package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/ask"
)

// MaxDocument bounds a manifest, an index, and one page of a list, in bytes.
const MaxDocument = 4 << 20

// manifests are the media types that are asked for and sent.
var manifests = []string{
	string(types.OCIImageIndex), string(types.OCIManifestSchema1),
	string(types.DockerManifestList), string(types.DockerManifestSchema2),
}

// call is one request.
type call struct {
	method string
	url    *url.URL
	header http.Header
	// open gives the body as often as it is sent, which is size bytes long. Nil is none.
	open func() (io.ReadCloser, error)
	size int64
	// want are the statuses of success.
	want []int
	// limit bounds the answer's body in bytes, timeout the whole request.
	limit   int64
	timeout time.Duration
}

// answer is what came, read to its end.
type answer struct {
	status int
	header http.Header
	url    *url.URL // of what was asked last, after redirects
	body   []byte
}

// tooLargeError is an answer that has more than limit bytes.
type tooLargeError struct{ limit int64 }

// Is makes it ErrContent.
func (*tooLargeError) Is(target error) bool { return target == ErrContent }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the answer has more than %d bytes", e.limit)
}

// path returns an address below the repository's own.
func (r *Repository) path(elem ...string) *url.URL {
	u := &url.URL{Scheme: "https", Host: r.repo.RegistryStr()}
	if r.plain {
		u.Scheme = "http"
	}
	return u.JoinPath(append([]string{"v2", r.repo.RepositoryStr()}, elem...)...)
}

// once sends a request once. A status that is not wanted is a *transport.Error.
func (r *Repository) once(ctx context.Context, c call) (*answer, error) {
	client, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	if c.timeout == 0 {
		c.timeout = r.o.Stall
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, ask.ErrStalled)
	defer cancel()
	req, err := c.request(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, why(ctx, err)
	}
	defer resp.Body.Close()
	if !slices.Contains(c.want, resp.StatusCode) {
		return nil, why(ctx, transport.CheckError(resp))
	}
	limit := c.limit
	if limit == 0 {
		limit = MaxDocument
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, why(ctx, err)
	}
	if int64(len(body)) > limit {
		return nil, &tooLargeError{limit}
	}
	return &answer{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL, body: body}, nil
}

// why returns the cause where a context ended that is the request's own.
func why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, ask.ErrStalled) {
		return cause
	}
	return err
}

func (c call) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), nil)
	if err != nil {
		return nil, err
	}
	for key, values := range c.header {
		req.Header[key] = values
	}
	if c.open != nil && c.size > 0 {
		req.ContentLength = c.size
		req.GetBody = func() (io.ReadCloser, error) { return &lazy{open: c.open}, nil }
		req.Body = &lazy{open: c.open}
	}
	return req, nil
}

// lazy is a body that is opened when it is read, because not every body that is
// made for a request is sent.
type lazy struct {
	open func() (io.ReadCloser, error)
	rc   io.ReadCloser
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.rc == nil {
		rc, err := l.open()
		if err != nil {
			return 0, &contentError{err}
		}
		l.rc = rc
	}
	n, err := l.rc.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &contentError{err}
	}
	return n, err
}

func (l *lazy) Close() error {
	if l.rc == nil {
		return nil
	}
	return l.rc.Close()
}

// contentError is content on this machine that cannot be read.
type contentError struct{ err error }

func (e *contentError) Error() string { return "reading what is to be sent: " + e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// bytesOf gives content that is in memory.
func bytesOf(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}

// mismatchError is content under another digest than its own.
type mismatchError struct{ want, got string }

// Is makes it ErrContent.
func (*mismatchError) Is(target error) bool { return target == ErrContent }

func (e *mismatchError) Error() string { return fmt.Sprintf("it says %s of %s", e.got, e.want) }

// checkDigest holds the digest that an answer names, if it does, against another.
func checkDigest(header http.Header, want v1.Hash) error {
	if got := header.Get("Docker-Content-Digest"); got != "" && got != want.String() {
		if other, err := v1.NewHash(got); err == nil {
			return &mismatchError{want.String(), other.String()}
		}
		return &mismatchError{want.String(), "something that is no digest"}
	}
	return nil
}

// mediaType returns a Content-Type without its parameters.
func mediaType(header http.Header) types.MediaType {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return types.MediaType(strings.TrimSpace(kind))
}
