package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/e2e/rig"
)

// contents is what a repository has.
type contents struct {
	// tags are digests by tag.
	tags map[string]string
	// said are the predicate types of what is said of each tag's image and of what is in
	// it, sorted, by tag.
	said map[string][]string
}

// fallback is a tag that lists what refers to a digest, where there is no API for it:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
var fallback = regexp.MustCompile(`^sha256-[0-9a-f]{64}$`)

// requireComplete wants all that the tags of a repository lead to to be there, with
// the sizes that are said: the images of an index, their configurations and layers, and
// what is said of them.
func (h *harborage) requireComplete(t *testing.T, repository string) contents {
	t.Helper()
	repo, err := name.NewRepository(repository)
	require.NoError(t, err)
	options := h.options(t, rig.Writer)
	puller, err := remote.NewPuller(options...)
	require.NoError(t, err)
	options = append(options, remote.Reuse(puller))
	all := contents{tags: map[string]string{}, said: map[string][]string{}}
	list, err := remote.List(repo, options...)
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return all
	}
	require.NoError(t, err)
	walked := map[v1.Hash][]string{}
	for _, tag := range list {
		d, err := remote.Get(repo.Tag(tag), options...)
		if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			continue // docker-registry lists a tag whose PUT was broken off, and which points to nothing
		}
		require.NoError(t, err, tag)
		if _, found := walked[d.Digest]; !found {
			w := &walk{harborage: h, t: t, repo: repo, options: options, done: map[v1.Hash]bool{}}
			w.manifest(d.Digest)
			slices.Sort(w.said)
			walked[d.Digest] = w.said
		}
		if !fallback.MatchString(tag) {
			all.tags[tag], all.said[tag] = d.Digest.String(), walked[d.Digest]
		}
	}
	return all
}

// walk goes through all that a digest leads to.
type walk struct {
	*harborage
	t       *testing.T
	repo    name.Repository
	options []remote.Option
	done    map[v1.Hash]bool
	said    []string
}

// manifest goes through an index, an image or an artifact, and returns what it is.
func (w *walk) manifest(digest v1.Hash) *remote.Descriptor {
	w.t.Helper()
	ref := w.repo.Digest(digest.String())
	got, err := remote.Get(ref, w.options...)
	require.NoError(w.t, err)
	if w.done[digest] {
		return got
	}
	w.done[digest] = true
	if got.MediaType.IsIndex() {
		index, err := got.ImageIndex()
		require.NoError(w.t, err)
		m, err := index.IndexManifest()
		require.NoError(w.t, err)
		for _, child := range m.Manifests {
			require.Equal(w.t, child.Size, w.manifest(child.Digest).Size)
		}
	} else {
		m := w.image(got)
		w.blob(m.Config)
		for _, l := range m.Layers {
			w.blob(l)
		}
	}
	referrers, err := remote.Referrers(ref, w.options...)
	require.NoError(w.t, err)
	m, err := referrers.IndexManifest()
	require.NoError(w.t, err)
	for _, d := range m.Manifests {
		artifact := w.image(w.manifest(d.Digest))
		require.NotNil(w.t, artifact.Subject)
		require.Equal(w.t, digest, artifact.Subject.Digest)
		require.Len(w.t, artifact.Layers, 1)
		require.Equal(w.t, w.artifactType(string(artifact.Layers[0].MediaType)), d.ArtifactType)
		w.said = append(w.said, w.statement(artifact.Layers[0], digest).PredicateType)
	}
	return got
}

func (w *walk) image(d *remote.Descriptor) *v1.Manifest {
	w.t.Helper()
	img, err := d.Image()
	require.NoError(w.t, err)
	m, err := img.Manifest()
	require.NoError(w.t, err)
	return m
}

// blob wants a blob to be there with its size.
func (w *walk) blob(d v1.Descriptor) {
	w.t.Helper()
	l, err := remote.Layer(w.repo.Digest(d.Digest.String()), w.options...)
	require.NoError(w.t, err)
	size, err := l.Size()
	require.NoError(w.t, err, "%s", d.Digest)
	require.Equal(w.t, d.Size, size)
}

// statement is what a document says of the image with a digest, signed or not.
func (w *walk) statement(d v1.Descriptor, about v1.Hash) *attest.Statement {
	w.t.Helper()
	l, err := remote.Layer(w.repo.Digest(d.Digest.String()), w.options...)
	require.NoError(w.t, err)
	r, err := l.Compressed()
	require.NoError(w.t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	require.NoError(w.t, err)
	if d.MediaType == attest.BundleMediaType {
		var bundle struct {
			DSSEEnvelope struct{ Payload []byte } `json:"dsseEnvelope"`
		}
		require.NoError(w.t, json.Unmarshal(text, &bundle))
		text = bundle.DSSEEnvelope.Payload
	}
	s := &attest.Statement{}
	require.NoError(w.t, json.Unmarshal(text, s))
	require.True(w.t, s.Is(about.String()), "%s", text)
	return s
}
