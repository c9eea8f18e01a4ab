package registry

import (
	"bytes"
	"context"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifest is a manifest or an index to be written, with what identifies it.
type Manifest struct {
	v1.Descriptor
	Content []byte
}

// NewManifest describes the bytes of a manifest.
func NewManifest(content []byte, mediaType types.MediaType) (Manifest, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	return Manifest{v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, content}, err
}

// Put writes a manifest under a tag or its digest. Where the registry says that it
// does not know what the manifest refers to, again brings that there before the next
// attempt; it may be nil.
func (r *Repository) Put(ctx context.Context, tagOrDigest string, m Manifest, again func(context.Context) error) error {
	w := &writing{r: r, ref: tagOrDigest, manifest: m, again: again}
	return r.explain(ctx, "writing "+r.ref(tagOrDigest), r.patience().persist(ctx, w.try))
}

// writing is one manifest on its way.
type writing struct {
	r        *Repository
	ref      string
	manifest Manifest
	again    func(context.Context) error
	doubt    bool // whether it may have been written although an answer was lost
	missing  bool // whether the registry does not know what it refers to
}

func (w *writing) try(ctx context.Context) error {
	if w.doubt {
		d, found, err := w.r.head(ctx, w.ref)
		if err != nil {
			return err
		}
		if found && d.Digest == w.manifest.Digest {
			return nil
		}
		w.doubt = false
	}
	if w.missing {
		if err := w.again(ctx); err != nil {
			return err
		}
		w.missing = false
	}
	err := w.put(ctx)
	switch {
	case err == nil:
		return nil
	case isUnknown(err) && w.again != nil:
		w.missing = true
		return &againError{err}
	}
	w.doubt = !hasStatus(err, http.StatusTooManyRequests)
	return err
}

func (w *writing) put(ctx context.Context) error {
	a, err := w.r.once(ctx, call{
		method: http.MethodPut, url: w.r.path("manifests", w.ref),
		header: http.Header{"Content-Type": {string(w.manifest.MediaType)}},
		open:   bytesOf(w.manifest.Content), size: w.manifest.Size,
		want: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted, http.StatusNoContent},
	})
	if err != nil {
		return err
	}
	return checkDigest(a.header, w.manifest.Digest)
}

// isUnknown tells of an error that the registry does not know a blob or a child.
func isUnknown(err error) bool {
	return hasCode(err, transport.BlobUnknownErrorCode, transport.ManifestBlobUnknownErrorCode,
		transport.ManifestUnknownErrorCode, transport.BlobUploadUnknownErrorCode)
}
