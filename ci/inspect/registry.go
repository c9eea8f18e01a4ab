package inspect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/fault"
)

// remote is a repository that is read from. A registry on loopback is asked by
// plain HTTP if it does not speak TLS.
type remote struct {
	ref    name.Reference
	client *http.Client
	// known is whether credentials are sent: what a registry says to them may repeat
	// them, and is not printed.
	known bool
	// stall is how long it may send nothing.
	stall time.Duration
}

func (s *Source) openRegistry(ctx context.Context) error {
	s.kind = Registry
	ref, err := parse(s.ref, s.options.PlainHTTP)
	if err != nil {
		return fault.New(fault.Usage, "%q is neither a file nor the name of an image", s.ref).WithCause(err).
			WithFix("name an OCI layout, an archive, or an image in a registry")
	}
	r := &remote{ref: ref}
	if err := r.connect(ctx, s.options); err != nil {
		return r.explain(ctx, err)
	}
	raw, err := r.top(ctx)
	if err != nil {
		return err
	}
	d := v1.Descriptor{Digest: sumOf(raw), Size: int64(len(raw))}
	if want, ok := ref.(name.Digest); ok && want.DigestStr() != d.Digest.String() {
		return &mismatchError{"manifest", d.Digest.String(), want.DigestStr()}
	}
	s.digest = d.Digest.String()
	return s.add(ctx, &topped{remote: r, d: d, raw: raw}, d, nil, nil, 0)
}

func parse(text string, plain []string) (name.Reference, error) {
	ref, err := name.ParseReference(text)
	if err == nil && slices.Contains(plain, ref.Context().RegistryStr()) {
		return name.ParseReference(text, name.Insecure)
	}
	return ref, err
}

func (r *remote) connect(ctx context.Context, o Options) error {
	auth, err := authn.Resolve(ctx, o.Keychain, r.ref.Context())
	if err == nil {
		// Helpers are run here, so that what they print is not taken for an answer.
		_, err = authn.Authorization(ctx, cmp.Or(auth, authn.Anonymous))
	}
	if err != nil {
		return &credentialsError{err}
	}
	r.known = auth != authn.Anonymous
	r.stall = o.Stall
	watched := &ask.Transport{Inner: o.Transport, Wait: o.Stall, Stall: o.Stall}
	outer := transport.NewUserAgent(&ask.Realm{Inner: watched, Registry: r.ref.Context().RegistryStr()}, "slipway")
	asks, err := transport.NewWithContext(ctx, r.ref.Context().Registry, auth, transport.NewRetry(outer), []string{r.ref.Scope(transport.PullScope)})
	if err != nil {
		return err
	}
	r.client = &http.Client{Transport: asks}
	return nil
}

// top reads the manifest that the reference names.
func (r *remote) top(ctx context.Context) ([]byte, error) {
	body, err := r.get(ctx, "manifests", r.ref.Identifier())
	if err != nil {
		return nil, err
	}
	defer body.Close()
	raw, err := atMost(&explained{r: body, remote: r, ctx: ctx}, maxManifest, "manifest")
	return raw, err
}

// open gives content by its digest.
func (r *remote) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	kind := "blobs"
	if d.MediaType.IsImage() || d.MediaType.IsIndex() {
		kind = "manifests"
	}
	body, err := r.get(ctx, kind, d.Digest.String())
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&explained{r: body, remote: r, ctx: ctx}, body}, nil
}

func (r *remote) get(ctx context.Context, kind, id string) (io.ReadCloser, error) {
	repo := r.ref.Context()
	u := url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("v2", repo.RepositoryStr(), kind, id).String(), nil)
	if err != nil {
		return nil, err
	}
	if kind == "manifests" {
		for _, t := range []types.MediaType{types.OCIImageIndex, types.DockerManifestList, types.OCIManifestSchema1, types.DockerManifestSchema2} {
			req.Header.Add("Accept", string(t))
		}
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		resp.Body.Close()
		return nil, r.explain(ctx, err)
	}
	return resp.Body, nil
}

// topped has the manifest that was read already.
type topped struct {
	*remote
	d   v1.Descriptor
	raw []byte
}

func (t *topped) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if d.Digest == t.d.Digest {
		return io.NopCloser(bytes.NewReader(t.raw)), nil
	}
	return t.remote.open(ctx, d)
}

// explained is an answer that may break off.
type explained struct {
	r      io.Reader
	remote *remote
	ctx    context.Context
}

func (e *explained) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = e.remote.explain(e.ctx, err)
	}
	return n, err
}

// credentialsError is a keychain that broke down. What it says may hold a secret.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "reading the credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// explain says what a registry did, and what can be done about it.
func (r *remote) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("asking %s: %w", r.ref.Context().RegistryStr(), context.Cause(ctx))
	}
	what, fix := r.sentence(err)
	return fault.New(fault.Registry, "reading %s: %s", r.ref, what).WithFix("%s", fix).WithCause(err)
}
