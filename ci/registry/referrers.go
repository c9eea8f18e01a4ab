package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Mode is how a registry keeps what refers to an image.
type Mode string

// The modes. The zero value is not known yet.
const (
	// API is the referrers API: the registry does it.
	API Mode = "api"
	// Tag is an index under a tag that is named after the digest: its clients do it.
	Tag Mode = "tag"
)

// Referrers lists what refers to a digest, with artifact types and annotations.
func (r *Repository) Referrers(ctx context.Context, digest string) ([]v1.Descriptor, error) {
	subject, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	all, err := r.refer(ctx, subject)
	return all, r.explain(ctx, "listing what refers to "+r.ref(digest), err)
}

// ReferrersMode returns how the registry keeps referrers, once one was asked for.
func (r *Repository) ReferrersMode() Mode {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.referrers
}

func (r *Repository) setMode(m Mode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.referrers = m
}

func (r *Repository) refer(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error) {
	if r.ReferrersMode() != Tag {
		all, ok, err := r.fromAPI(ctx, subject)
		if err != nil || ok {
			return all, err
		}
	}
	index, err := r.fromTag(ctx, subject)
	return index.Manifests, err
}

// fromAPI asks the referrers API, and is not ok where there is none.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
func (r *Repository) fromAPI(ctx context.Context, subject v1.Hash) (all []v1.Descriptor, ok bool, err error) {
	err = r.pages(ctx, call{
		method: http.MethodGet, url: r.path("referrers", subject.String()),
		header: http.Header{"Accept": {string(types.OCIImageIndex)}}, want: []int{http.StatusOK},
	}, func(a *answer) error {
		if mediaType(a.header) != types.OCIImageIndex {
			return errNoAPI
		}
		page, err := indexOf(a.body)
		all = append(all, page.Manifests...)
		return err
	})
	switch {
	case err == nil:
		r.setMode(API)
		return all, true, nil
	case hasCode(err, transport.NameUnknownErrorCode):
		// A repository that does not exist yet says nothing of the registry.
		return nil, false, nil
	case errors.Is(err, errNoAPI), hasStatus(err, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed,
		http.StatusNotAcceptable, http.StatusNotImplemented):
		r.setMode(Tag)
		return nil, false, nil
	}
	return nil, false, err
}

var errNoAPI = errors.New("it has no referrers API")

func indexOf(content []byte) (index v1.IndexManifest, err error) {
	if err := json.Unmarshal(content, &index); err != nil {
		return index, &unusableError{"an index of referrers", err}
	}
	return index, nil
}

// fallbackTag names the index of what refers to a digest.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
func fallbackTag(subject v1.Hash) string { return strings.Replace(subject.String(), ":", "-", 1) }

func (r *Repository) fromTag(ctx context.Context, subject v1.Hash) (v1.IndexManifest, error) {
	var content []byte
	found := false
	err := r.patience().persist(ctx, func(ctx context.Context) (err error) {
		content, _, found, err = r.get(ctx, fallbackTag(subject))
		return err
	})
	if err != nil || !found {
		return v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}, err
	}
	index, err := indexOf(content)
	if err == nil && (index.SchemaVersion != 2 || index.MediaType != "" && index.MediaType != types.OCIImageIndex) {
		err = &unusableError{"an index of referrers", fmt.Errorf("the tag %s is something else", fallbackTag(subject))}
	}
	return index, err
}

// Refer makes sure that the registry lists manifests that are written already as
// referring to their subject. Where it has no referrers API, their descriptors are
// added to an index that others may write at the same time: it is read again, and
// written again until it has ours and all that it ever had.
func (r *Repository) Refer(ctx context.Context, subject v1.Hash, added ...v1.Descriptor) error {
	what := "attaching to " + r.ref(subject.String())
	if r.ReferrersMode() == "" {
		if _, err := r.refer(ctx, subject); err != nil {
			return r.explain(ctx, what, err)
		}
	}
	check := r.listed
	if r.ReferrersMode() != API {
		check = r.merge
	}
	known := slices.Clone(added)
	err := r.patience().persist(ctx, func(ctx context.Context) error { return check(ctx, subject, &known) })
	return r.explain(ctx, what, err)
}

// listed waits until the referrers API knows them.
func (r *Repository) listed(ctx context.Context, subject v1.Hash, known *[]v1.Descriptor) error {
	has, ok, err := r.fromAPI(ctx, subject)
	if err == nil && (!ok || len(without(*known, has)) > 0) {
		err = &againError{errUnlisted}
	}
	return err
}

// merge adds them to the fallback index, unless it has them.
func (r *Repository) merge(ctx context.Context, subject v1.Hash, known *[]v1.Descriptor) error {
	index, err := r.fromTag(ctx, subject)
	if err != nil {
		return err
	}
	missing := without(*known, index.Manifests)
	*known = append(*known, without(index.Manifests, *known)...)
	if len(missing) == 0 {
		return nil
	}
	index.MediaType, index.Manifests = types.OCIImageIndex, append(index.Manifests, missing...)
	content, err := json.Marshal(index)
	if err != nil {
		return err
	}
	m, err := NewManifest(content, types.OCIImageIndex)
	if err != nil {
		return err
	}
	// A registry may need a while to know what it was given to be listed.
	w := &writing{r: r, ref: fallbackTag(subject), manifest: m, again: func(context.Context) error { return nil }}
	if err := r.patience().persist(ctx, w.try); err != nil {
		return err
	}
	now, err := r.fromTag(ctx, subject)
	if err == nil && len(without(*known, now.Manifests)) > 0 {
		err = &againError{errUnlisted}
	}
	return err
}

var errUnlisted = errors.New("the list of referrers lacks what was added to it")

// without returns the descriptors of all that are not in others.
func without(all, others []v1.Descriptor) []v1.Descriptor {
	return slices.DeleteFunc(slices.Clone(all), func(d v1.Descriptor) bool {
		return slices.ContainsFunc(others, func(o v1.Descriptor) bool { return o.Digest == d.Digest })
	})
}
