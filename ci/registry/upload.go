package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
)

// Content is a blob to be sent. Open gives it from its beginning, as often as it is
// called; a seekable one is not read again where an upload goes on in its middle.
type Content struct {
	v1.Descriptor
	Open func() (io.ReadCloser, error)
}

// Outcome is what became of a blob.
type Outcome int

// The outcomes of a blob.
const (
	// Present was there already.
	Present Outcome = iota
	// Mounted was taken from another repository of the registry.
	Mounted
	// Uploaded was sent.
	Uploaded
)

// Upload brings a blob into the repository. It is looked for first; from may name the
// repository of the same registry that has it.
func (r *Repository) Upload(ctx context.Context, c Content, from string) (Outcome, error) {
	return r.send(ctx, &upload{r: r, content: c, from: r.mountable(from), look: true, trust: true})
}

// Replace sends a blob that the registry may believe to have: it has said since that
// it does not know it.
func (r *Repository) Replace(ctx context.Context, c Content) (Outcome, error) {
	return r.send(ctx, &upload{r: r, content: c})
}

func (r *Repository) send(ctx context.Context, u *upload) (Outcome, error) {
	u.patience = r.patience()
	err := u.patience.persist(ctx, u.try)
	return u.outcome, r.explain(ctx, "uploading "+u.content.Digest.String()+" to "+r.String(), err)
}

// mountable returns the name of a repository below the registry, if blobs can be
// mounted from it.
func (r *Repository) mountable(from string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.from {
		if f.Name() == from && !r.narrow {
			return f.RepositoryStr()
		}
	}
	return ""
}

// upload is one blob on its way.
type upload struct {
	r        *Repository
	content  Content
	from     string // where to mount it from, once
	patience *patience
	trust    bool // whether the registry is believed that it has the blob
	look     bool // whether to ask for it before it is sent
	sent     bool // whether the answer to the last byte was lost
	session  *session
	refused  bool // whether the digest was refused once
	outcome  Outcome
}

// try goes on where the last attempt ended.
func (u *upload) try(ctx context.Context) error {
	if u.look && u.trust {
		found, err := u.r.hasBlob(ctx, u.content.Descriptor)
		if err != nil {
			return err
		}
		u.look = false
		if found {
			if u.sent {
				u.outcome = Uploaded
			}
			return nil
		}
	}
	if u.session == nil {
		mounted, err := u.begin(ctx)
		if hasCode(err, transport.BlobUploadUnknownErrorCode, transport.BlobUnknownErrorCode) {
			err = &againError{err}
		}
		if err != nil || mounted {
			return err
		}
	}
	s := u.session
	err := s.send(ctx)
	if err == nil {
		u.outcome = Uploaded
		return nil
	}
	return u.judge(s, err)
}

// judge decides what the next attempt begins with.
func (u *upload) judge(s *session, err error) error {
	_, again := errors.AsType[*againError](err)
	switch {
	case again:
		return err
	case hasCode(err, transport.BlobUploadUnknownErrorCode, transport.BlobUnknownErrorCode),
		hasCode(err, transport.BlobUploadInvalidErrorCode) && s.streams:
		u.session = nil
		return &againError{err}
	case hasCode(err, transport.DigestInvalidErrorCode) && !u.refused:
		// Once it may have been changed on its way.
		u.session, u.refused = nil, true
		return &againError{err}
	case s.isForm(err) && !s.streams:
		// Chunks are optional, and so is a blob in its last request.
		u.r.streams.Store(true)
		u.session = nil
		return &againError{err}
	case s.chunked && hasStatus(err, http.StatusRequestedRangeNotSatisfiable) && !s.lost:
		s.lost = true
		return &againError{err}
	case !u.r.passes(err):
		return err
	}
	u.sent, u.look = s.closing, s.closing
	if s.lost = true; !s.chunked || s.closing {
		u.session = nil
	}
	return err
}

// begin opens an upload, or has the blob mounted.
func (u *upload) begin(ctx context.Context) (mounted bool, err error) {
	c := call{
		method: http.MethodPost, url: u.r.path("blobs", "uploads"),
		want: []int{http.StatusAccepted},
	}
	c.url.Path += "/"
	if u.from != "" {
		c.url.RawQuery = url.Values{"mount": {u.content.Digest.String()}, "from": {u.from}}.Encode()
		c.want = append(c.want, http.StatusCreated)
	}
	a, err := u.r.once(ctx, c)
	if err != nil && u.from != "" && !u.r.passes(err) {
		// Mounting is optional, and some registries refuse it with all kinds of answers.
		u.from = ""
		return u.begin(ctx)
	}
	if err != nil {
		return false, err
	}
	if u.from = ""; a.status == http.StatusCreated {
		u.outcome = Mounted
		return true, checkDigest(a.header, u.content.Digest)
	}
	at, err := location(a)
	if err != nil {
		return false, err
	}
	u.session = newSession(u, at, a.header)
	return false, nil
}

// location returns where an upload goes on.
func location(a *answer) (*url.URL, error) {
	text := a.header.Get("Location")
	if text == "" {
		return nil, &unusableError{"where an upload goes on", http.ErrNoLocation}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &unusableError{"where an upload goes on", err}
	}
	to := a.url.ResolveReference(u)
	if to.Host == a.url.Host {
		// Behind a proxy that ends TLS a registry may call itself http.
		to.Scheme = a.url.Scheme
	}
	if err := ask.CheckLocation(a.url, to); err != nil {
		return nil, err
	}
	if to.User != nil || to.Host == "" {
		return nil, &ask.RedirectError{What: "sends an upload to an address that is not one"}
	}
	to.Fragment = ""
	return to, nil
}

// CheckPush finds out whether the credentials may push: it opens an upload and
// cancels it, since a token alone proves nothing at some registries.
func (r *Repository) CheckPush(ctx context.Context) error {
	u := &upload{r: r, patience: r.patience()}
	err := u.patience.persist(ctx, func(ctx context.Context) error { _, err := u.begin(ctx); return err })
	if err != nil {
		return r.explain(ctx, "pushing to "+r.String(), err)
	}
	// An upload that cannot be cancelled ends by itself.
	_, _ = r.once(ctx, call{
		method: http.MethodDelete, url: u.session.at,
		want: []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK},
	})
	return nil
}
