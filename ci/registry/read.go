package registry

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Head asks what a tag or digest points to. It is not found also where the
// repository does not exist.
func (r *Repository) Head(ctx context.Context, tagOrDigest string) (d v1.Descriptor, found bool, err error) {
	err = r.patience().persist(ctx, func(ctx context.Context) (err error) {
		d, found, err = r.head(ctx, tagOrDigest)
		return err
	})
	return d, found, r.explain(ctx, "reading "+r.ref(tagOrDigest), err)
}

// ref writes a reference of this repository.
func (r *Repository) ref(tagOrDigest string) string {
	if strings.Contains(tagOrDigest, ":") {
		return r.String() + "@" + tagOrDigest
	}
	return r.String() + ":" + tagOrDigest
}

func (r *Repository) head(ctx context.Context, tagOrDigest string) (v1.Descriptor, bool, error) {
	a, err := r.once(ctx, call{
		method: http.MethodHead, url: r.path("manifests", tagOrDigest), header: http.Header{"Accept": manifests},
		want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil || a.status == http.StatusNotFound {
		return v1.Descriptor{}, false, err
	}
	digest, err := v1.NewHash(a.header.Get("Docker-Content-Digest"))
	size, sizeErr := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	if err != nil || sizeErr != nil {
		// The headers are optional: the bytes themselves say it.
		_, d, found, err := r.get(ctx, tagOrDigest)
		return d, found, err
	}
	if want, err := v1.NewHash(tagOrDigest); err == nil && want != digest {
		return v1.Descriptor{}, false, &mismatchError{want.String(), digest.String()}
	}
	return v1.Descriptor{MediaType: mediaType(a.header), Digest: digest, Size: size}, true, nil
}

// Manifest reads a manifest or an index. Its bytes have the digest that was asked
// for. Where there is none, the error wraps ErrNotFound.
func (r *Repository) Manifest(ctx context.Context, tagOrDigest string) (content []byte, d v1.Descriptor, err error) {
	found := false
	err = r.patience().persist(ctx, func(ctx context.Context) (err error) {
		content, d, found, err = r.get(ctx, tagOrDigest)
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return content, d, r.explain(ctx, "reading "+r.ref(tagOrDigest), err)
}

func (r *Repository) get(ctx context.Context, tagOrDigest string) ([]byte, v1.Descriptor, bool, error) {
	a, err := r.once(ctx, call{
		method: http.MethodGet, url: r.path("manifests", tagOrDigest), header: http.Header{"Accept": manifests},
		want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil || a.status == http.StatusNotFound {
		return nil, v1.Descriptor{}, false, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(a.body))
	if err != nil {
		return nil, v1.Descriptor{}, false, err
	}
	if want, err := v1.NewHash(tagOrDigest); err == nil && want != digest {
		return nil, v1.Descriptor{}, false, &mismatchError{want.String(), digest.String()}
	}
	if err := checkDigest(a.header, digest); err != nil {
		return nil, v1.Descriptor{}, false, err
	}
	return a.body, v1.Descriptor{MediaType: mediaType(a.header), Digest: digest, Size: size}, true, nil
}

// Blob reads a blob of at most limit bytes. Where there is none, the error wraps
// ErrNotFound.
func (r *Repository) Blob(ctx context.Context, digest string, limit int64) (content []byte, err error) {
	want, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	err = r.patience().persist(ctx, func(ctx context.Context) error {
		a, err := r.once(ctx, call{
			method: http.MethodGet, url: r.path("blobs", digest),
			want: []int{http.StatusOK, http.StatusNotFound}, limit: limit, timeout: r.o.Budget,
		})
		if err != nil {
			return err
		}
		if a.status == http.StatusNotFound {
			return ErrNotFound
		}
		got, _, err := v1.SHA256(bytes.NewReader(a.body))
		if err == nil && got != want {
			err = &mismatchError{want.String(), got.String()}
		}
		content = a.body
		return err
	})
	if err = r.explain(ctx, "reading "+r.ref(digest), err); err != nil {
		return nil, err
	}
	return content, nil
}

// hasBlob asks for a blob without reading it.
func (r *Repository) hasBlob(ctx context.Context, d v1.Descriptor) (bool, error) {
	a, err := r.once(ctx, call{
		method: http.MethodHead, url: r.path("blobs", d.Digest.String()),
		want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil || a.status == http.StatusNotFound {
		return false, err
	}
	if err := checkDigest(a.header, d.Digest); err != nil {
		return false, err
	}
	// What is there in part is not there, and neither is what a proxy answers for.
	size, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	return err == nil && size == d.Size, nil
}

// HasBlob tells whether the repository has a blob.
func (r *Repository) HasBlob(ctx context.Context, d v1.Descriptor) (found bool, err error) {
	err = r.patience().persist(ctx, func(ctx context.Context) (err error) {
		found, err = r.hasBlob(ctx, d)
		return err
	})
	return found, r.explain(ctx, "reading "+r.ref(d.Digest.String()), err)
}
