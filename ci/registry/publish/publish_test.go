package publish_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/registry/registrytest"
	"example.com/slipway/ci/step"
)

func run(t *testing.T, p ...publish.Publication) ([]publish.Result, error) {
	t.Helper()
	return publish.Run(t.Context(), step.Silent{}, p...)
}

func TestRun_SaysWhatBecameOfEverything(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		f := newFixture(t, registrytest.Options{Attestations: 3, NoReferrers: without})
		results, err := run(t, f.publication(t, tags()...))
		require.NoError(t, err)
		f.requireComplete(t, "1.2.3", "latest")
		r := results[0]
		require.Equal(t, f.server.Host+"/team/server", r.Repository)
		require.Equal(t, f.digest, r.Digest)
		require.Equal(t, publish.Published, r.State)
		require.Equal(t, []publish.TagResult{
			{Name: "1.2.3", Outcome: publish.TagCreated}, {Name: "latest", Moving: true, Outcome: publish.TagCreated},
		}, r.Tags)
		require.Len(t, r.Attestations, 3)
		for _, a := range r.Attestations {
			require.Equal(t, "attached", a.Outcome)
			require.Equal(t, f.digest, a.Subject)
			require.Equal(t, http.StatusOK, f.server.Get("/v2/team/server/manifests/"+a.Digest).Code)
		}
		require.Equal(t, map[bool]registry.Mode{false: registry.API, true: registry.Tag}[without], r.Referrers)
		require.Equal(t, 10, r.Uploaded, "two images of three blobs, three documents and an empty configuration")
		require.Positive(t, r.Bytes)

		again, err := run(t, f.publication(t, tags()...))
		require.NoError(t, err)
		require.Equal(t, publish.Unchanged, again[0].State)
		require.Equal(t, publish.TagUnchanged, again[0].Tags[1].Outcome)
		require.Equal(t, "present", again[0].Attestations[2].Outcome)
		require.Zero(t, again[0].Uploaded)
	}
}

// Nothing changed: a ping, and one request for each tag. First: three requests for each
// blob, two for each manifest, three for each tag and one to look first.
func TestRun_AsksSeldom(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{})
	_, err := run(t, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, 6, f.server.Count(registrytest.BlobHead))
	require.Equal(t, 6, f.server.Count(registrytest.UploadPost))
	require.Equal(t, 6, f.server.Count(registrytest.UploadData))
	require.Equal(t, 1+6*3+1+3*2+2*4, f.server.Count(), "%v", f.server.Requests())
	first := f.server.Count()
	_, err = run(t, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, []string{"GET ping", "HEAD tag HEAD", "HEAD tag HEAD"}, f.server.Requests()[first:])
}

func TestRun_RefusesATakenVersionBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{})
	other := f.put(t, "1.2.3")
	second := newFixture(t, registrytest.Options{})
	second.index, second.digest = f.index, f.digest
	results, err := run(t, second.publication(t, tags()...), f.publication(t, tags()...))
	require.Equal(t, fault.Registry, fault.KindOf(err))
	require.ErrorContains(t, err, other)
	require.ErrorContains(t, err, f.digest)
	taken, ok := errors.AsType[*publish.TakenError](err)
	require.True(t, ok)
	require.Equal(t, other, taken.Theirs)
	for _, one := range []*fixture{f, second} {
		require.Zero(t, one.server.Count(registrytest.UploadPost, registrytest.UploadData, registrytest.ImagePut,
			registrytest.IndexPut, registrytest.TagPut))
	}
	require.Equal(t, publish.Incomplete, results[1].State)
	require.Equal(t, other, results[1].Tags[0].Before)
	require.Equal(t, publish.TagOpen, results[1].Tags[1].Outcome)
}

// put makes a tag point to another index, behind the faults.
func (f *fixture) put(t *testing.T, tag string) (digest string) {
	t.Helper()
	index, err := random.Index(10, 1, 0)
	require.NoError(t, err)
	raw, err := index.RawManifest()
	require.NoError(t, err)
	h, err := index.Digest()
	require.NoError(t, err)
	kind, err := index.MediaType()
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, f.server.Put("/v2/team/server/manifests/"+tag, string(kind), raw).Code)
	return h.String()
}

func TestRun_MovesTagsThatShallMove(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{})
	before := f.put(t, "latest")
	f.put(t, "9.0.0")
	var seen []string
	results, err := run(t, f.publication(t,
		publish.Tag{Name: "latest", Moving: true},
		publish.Tag{Name: "9", Moving: true, Move: func(existing []string) (bool, string) {
			seen = existing
			return false, "9.0.0 is higher"
		}},
		publish.Tag{Name: "1.2.3"}))
	require.NoError(t, err)
	require.Equal(t, []string{"9.0.0", "latest"}, seen)
	require.Equal(t, []publish.TagResult{
		{Name: "latest", Moving: true, Before: before, Outcome: publish.TagMoved},
		{Name: "9", Moving: true, Outcome: publish.TagKept, Why: "9.0.0 is higher"},
		{Name: "1.2.3", Outcome: publish.TagCreated},
	}, results[0].Tags)
	requests := strings.Join(f.server.Requests(), ",")
	require.Less(t, strings.Index(requests, "PUT index PUT"), strings.Index(requests, "PUT tag PUT"))
	require.Equal(t, 1, f.server.Count(registrytest.TagList))
}

func TestRun_TellsTheLoserOfARace(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]registrytest.Kind{"before": registrytest.IndexPut, "after": registrytest.TagPut} {
		var f *fixture
		var theirs string
		f = newFixture(t, registrytest.Options{After: func(req *registrytest.Request, _ *httptest.ResponseRecorder, _ http.ResponseWriter) bool {
			if req.Kind == when && !strings.HasSuffix(req.URL.Path, "1.2.3") {
				theirs = f.put(t, "latest")
			}
			return false
		}})
		results, err := run(t, f.publication(t, tags()...))
		race, ok := errors.AsType[*publish.RaceError](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Equal(t, publish.RaceError{Repository: f.server.Host + "/team/server", Tag: "latest", Ours: f.digest, Theirs: theirs}, *race)
		require.ErrorContains(t, err, f.digest)
		require.Equal(t, fault.Registry, fault.KindOf(err))
		require.Equal(t, publish.TagCreated, results[0].Tags[0].Outcome)
		require.Equal(t, publish.TagOpen, results[0].Tags[1].Outcome)
		require.Equal(t, theirs, f.pointsTo("latest"))
	}
}

// Whoever is interrupted, before or after any request, can run again, and nobody ever
// sees a tag that points to something incomplete.
func TestRun_GoesOnAfterAnyInterruption(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		for at, done := 1, false; !done; at++ {
			for _, after := range []bool{false, true} {
				done = interrupt(t, registrytest.Options{Attestations: 2, NoReferrers: without}, at, after)
			}
		}
	}
}

// interrupt ends a publish at its nth request, and is true if it has no more.
func interrupt(t *testing.T, o registrytest.Options, at int, after bool) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Before = func(req *registrytest.Request, _ http.ResponseWriter) bool {
		if req.N == at && !after {
			cancel()
			return true
		}
		return false
	}
	o.After = func(req *registrytest.Request, _ *httptest.ResponseRecorder, _ http.ResponseWriter) bool {
		if req.N == at {
			cancel()
		}
		return req.N == at
	}
	f := newFixture(t, o)
	_, err := publish.Run(ctx, step.Silent{}, f.publication(t, tags()...))
	if f.server.Count() < at {
		require.NoError(t, err)
		return true
	}
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, f.server.Broken())
	results, err := run(t, f.publication(t, tags()...))
	require.NoError(t, err)
	require.NotEqual(t, publish.Incomplete, results[0].State)
	f.requireComplete(t, "1.2.3", "latest")
	return false
}

func TestRun_MovesNoTagBeforeEveryRegistryHasEverything(t *testing.T) {
	t.Parallel()
	first, second := newFixture(t, registrytest.Options{Attestations: 1}), newFixture(t, registrytest.Options{Attestations: 1})
	second.index, second.digest = first.index, first.digest
	second.server.At(registrytest.AttestationPut, -1, registrytest.Status(400, "MANIFEST_INVALID"))
	results, err := run(t, first.publication(t, tags()...), second.publication(t, tags()...))
	require.ErrorContains(t, err, second.server.Host)
	for _, f := range []*fixture{first, second} {
		require.Zero(t, f.server.Count(registrytest.TagPut))
	}
	require.Equal(t, "attached", results[0].Attestations[0].Outcome)
	require.Equal(t, "open", results[1].Attestations[0].Outcome)

	// The registry that does not take attestations may go without.
	publication := second.publication(t, tags()...)
	publication.Attach = publish.Warn
	publication.Tags = []publish.Tag{{Name: "edge", Moving: true}}
	results, err = run(t, first.publication(t, tags()...), publication)
	require.NoError(t, err)
	require.Equal(t, "failed", results[1].Attestations[0].Outcome)
	require.Contains(t, results[1].Attestations[0].Why, "MANIFEST_INVALID")
	require.Len(t, results[1].Notes, 1)
	require.Equal(t, publish.TagCreated, results[1].Tags[0].Outcome)
	first.requireComplete(t, "1.2.3", "latest")
}

func TestRun_MountsWhatTheRegistryHasElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{Before: func(req *registrytest.Request, w http.ResponseWriter) bool {
		if mount := req.URL.Query().Get("mount"); mount != "" && req.URL.Query().Get("from") == "team/server" {
			w.WriteHeader(http.StatusCreated)
			return true
		}
		// The in-process registry has each blob in every repository.
		if req.Kind == registrytest.BlobHead && strings.Contains(req.URL.Path, "team/tool") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}})
	first := f.publication(t, publish.Tag{Name: "1"})
	options := f.options
	options.From = []string{first.Repository.String()}
	tool, err := registry.Open(f.server.Host+"/team/tool", options)
	require.NoError(t, err)
	second := publish.Publication{Repository: tool, Index: f.index, Tags: []publish.Tag{{Name: "1"}}}
	results, err := run(t, first, second)
	require.NoError(t, err)
	require.Equal(t, 6, results[1].Mounted)
	require.Zero(t, results[1].Uploaded)
}

func TestPlan_OnlyReads(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{Attestations: 1})
	f.put(t, "latest")
	steps, results, err := publish.Plan(t.Context(), step.Silent{}, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, publish.Planned, results[0].State)
	var actions []string
	for _, s := range steps {
		actions = append(actions, s.Action)
	}
	require.Equal(t, "upload upload upload upload upload upload push push push attach create move", strings.Join(actions, " "))
	for _, request := range f.server.Requests() {
		require.Contains(t, []string{"GET", "HEAD"}, strings.Fields(request)[0])
	}
	_, err = run(t, f.publication(t, tags()...))
	require.NoError(t, err)
	steps, _, err = publish.Plan(t.Context(), step.Silent{}, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Empty(t, steps)
}

// A clean-up that took an image away from below its index is made good.
func TestRun_MakesAnIndexWholeThatLostAnImage(t *testing.T) {
	t.Parallel()
	var f *fixture
	gone := ""
	f = newFixture(t, registrytest.Options{Before: func(req *registrytest.Request, w http.ResponseWriter) bool {
		hit := gone != "" && strings.HasSuffix(req.URL.Path, gone) && req.Method == http.MethodGet
		if hit {
			gone = ""
			w.WriteHeader(http.StatusNotFound)
		}
		return hit
	}})
	_, err := run(t, f.publication(t))
	require.NoError(t, err)
	m, err := f.index.IndexManifest()
	require.NoError(t, err)
	gone = m.Manifests[1].Digest.String()
	results, err := run(t, f.publication(t, publish.Tag{Name: "2"}))
	require.NoError(t, err)
	require.Equal(t, publish.Published, results[0].State)
	require.Equal(t, 4, f.server.Count(registrytest.ImagePut))
	f.requireComplete(t, "2")
}

func TestRun_KeepsWhatOthersAttach(t *testing.T) {
	t.Parallel()
	other := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	list := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/x","size":1,"digest":"` + other.String() + `"}]}`
	var f *fixture
	times := 0
	f = newFixture(t, registrytest.Options{NoReferrers: true, Attestations: 2, After: func(req *registrytest.Request, _ *httptest.ResponseRecorder, _ http.ResponseWriter) bool {
		if req.Kind == registrytest.FallbackPut && times < 2 {
			// Somebody who read it before writes it after.
			times++
			f.server.Put(req.URL.Path, "application/vnd.oci.image.index.v1+json", []byte(list))
		}
		return false
	}})
	results, err := run(t, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, 3, f.server.Count(registrytest.FallbackPut))
	fallback := f.server.Get("/v2/team/server/manifests/" + strings.Replace(f.digest, ":", "-", 1)).Body.String()
	require.Contains(t, fallback, other.String())
	for _, a := range results[0].Attestations {
		require.Contains(t, fallback, a.Digest)
	}
	require.Contains(t, fallback, `"dev.sigstore.bundle.predicateType"`)
	require.Contains(t, fallback, `"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"`)
}
