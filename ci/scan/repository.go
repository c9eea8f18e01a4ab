package scan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/ask"
)

// layerType is what the database's one layer has to be.
const layerType = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// repository is asked for its database, without credentials: the database is public,
// and a login that has expired turns an answer into a refusal.
type repository struct {
	// said is the repository in the request, ref the manifest in it, place where it
	// is asked for.
	said   string
	ref    name.Reference
	place  name.Repository
	watch  *ask.Transport
	limits limits
	client *http.Client
}

func newRepository(r Request, said string) (*repository, error) {
	ref, err := name.ParseReference(said, name.WithDefaultTag(fmt.Sprint(schema)))
	if err != nil {
		return nil, errors.New("that is not the name of a repository")
	}
	place, err := ask.Place(ref.Context(), r.Mirrors)
	if err != nil {
		return nil, err
	}
	watch := &ask.Transport{Inner: r.Transport, Wait: r.Wait, Stall: r.Stall}
	return &repository{said: said, ref: ref, place: place, watch: watch, limits: r.limits}, nil
}

// manifest is what a repository has under its tag.
type manifest struct {
	digest string
	layer  v1.Descriptor
}

// manifest asks which database the repository has. All of the answer has to come
// within the stall time. Errors are clauses.
func (r *repository) manifest(ctx context.Context) (*manifest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.watch.Wait+r.watch.Stall, ask.ErrStalled)
	defer cancel()
	body, err := r.get(ctx, "manifests", r.ref.Identifier())
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	defer body.Close()
	raw, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	if len(raw) > maxManifest {
		return nil, fmt.Errorf("its manifest has more than the %d bytes that are read", maxManifest)
	}
	sum := sha256.Sum256(raw)
	m := &manifest{digest: "sha256:" + hex.EncodeToString(sum[:])}
	if pinned, ok := r.ref.(name.Digest); ok && pinned.DigestStr() != m.digest {
		return nil, fmt.Errorf("its manifest has the digest %s", m.digest)
	}
	m.layer, err = layerOf(raw)
	if err != nil {
		return nil, err
	}
	if m.layer.Size > r.limits.packed {
		return nil, fmt.Errorf("its database has %d bytes, and %d are read", m.layer.Size, r.limits.packed)
	}
	return m, nil
}

// layerOf returns the one layer of a database's manifest.
func layerOf(raw []byte) (v1.Descriptor, error) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	switch {
	case err != nil:
		var page json.RawMessage
		if json.Unmarshal(raw, &page) != nil {
			return v1.Descriptor{}, errors.New("it sent something else than a manifest")
		}
		return v1.Descriptor{}, errors.New("its manifest is malformed")
	case len(m.Layers) != 1:
		return v1.Descriptor{}, fmt.Errorf("its manifest has %d layers, a database has one", len(m.Layers))
	case m.Layers[0].MediaType != layerType:
		return v1.Descriptor{}, fmt.Errorf("its layer is no vulnerability database but %.100q", m.Layers[0].MediaType)
	case m.Layers[0].Digest.Algorithm != "sha256" || m.Layers[0].Size < 0:
		return v1.Descriptor{}, errors.New("its layer has no usable digest or size")
	}
	return m.Layers[0], nil
}

// download puts the database of a manifest into the store. It may take as long as
// bytes keep coming.
func (r *repository) download(ctx context.Context, m *manifest, to *store) (*kept, error) {
	return to.put(origin{Repository: r.said, Digest: m.digest}, func(dir string) (metadata, error) {
		body, err := r.get(ctx, "blobs", m.layer.Digest.String())
		if err != nil {
			return metadata{}, r.explain(ctx, err)
		}
		defer body.Close()
		b := newBlob(body, m.layer)
		found, err := unpack(b, dir, r.limits.unpacked)
		if _, ok := errors.AsType[*diskError](err); ok {
			return metadata{}, err
		}
		// Bytes that are not those of the digest say nothing of the database.
		if checked := b.check(); checked != nil {
			return metadata{}, r.explain(ctx, checked)
		}
		return found, err
	})
}

func (r *repository) get(ctx context.Context, kind, id string) (io.ReadCloser, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	u := url.URL{Scheme: r.place.Scheme(), Host: r.place.RegistryStr()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("v2", r.place.RepositoryStr(), kind, id).String(), nil)
	if err != nil {
		return nil, err
	}
	if kind == "manifests" {
		req.Header.Set("Accept", strings.Join([]string{string(types.OCIManifestSchema1), string(types.DockerManifestSchema2)}, ", "))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}

// connect finds out, before the first request, how the registry wants to be asked.
func (r *repository) connect(ctx context.Context) error {
	if r.client != nil {
		return nil
	}
	asks, err := transport.NewWithContext(ctx, r.place.Registry, authn.Anonymous,
		transport.NewUserAgent(&ask.Realm{Inner: r.watch, Registry: r.place.RegistryStr()}, "slipway"), []string{r.place.Scope(transport.PullScope)})
	if err != nil {
		return err
	}
	r.client = &http.Client{Transport: asks, CheckRedirect: ask.CheckRedirect}
	return nil
}

// explain turns an error into a clause.
func (r *repository) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if wrong, ok := errors.AsType[*blobError](err); ok {
		return wrong
	}
	return errors.New(r.watch.Clause(err))
}
