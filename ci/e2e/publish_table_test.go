package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	noise "github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/registry/registrytest"
	"example.com/slipway/ci/step"
)

// stall is how long a registry may be silent in the table of faults.
const stall = 500 * time.Millisecond

// realFaults are the faults of the table that registries and what is before them have; the
// others are in ci/registry/publish, with these, in front of a registry in memory.
var realFaults = []string{
	"429", "429 Retry-After seconds", "500", "502 page", "503 x 4", "reset", "half an answer", "drip", "lost",
	"unknown blob", "wrong digest", "expired token",
}

// The product of requests and faults in front of real registries, on a clock that costs
// no time: either a publish succeeds within its budget, or it ends with a sentence, and
// no tag ever points to something that the registry does not have.
func TestPublish_SurvivesTheTableOfFaults(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for _, name := range []string{"docker-registry", "distribution"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kindOf(t, name).open(t)
			cells := 0
			for _, fail := range registrytest.Failures(stall) {
				if !slices.Contains(realFaults, fail.Name) {
					continue
				}
				for _, kind := range registrytest.Kinds(false) {
					cells++
					repository := fmt.Sprintf("%s/cell-%d", rig.Namespace, cells)
					t.Run(fail.Name+"/"+string(kind), func(t *testing.T) {
						t.Parallel()
						survive(t, h.Proxy, repository, kind, fail)
					})
				}
			}
			require.Equal(t, len(realFaults)*len(registrytest.Kinds(false)), cells)
		})
	}
}

// survive publishes into a registry behind a fault.
func survive(t *testing.T, inner http.Handler, name string, kind registrytest.Kind, fail registrytest.Failure) {
	t.Helper()
	index, err := noise.Index(600, 1, 2)
	require.NoError(t, err)
	digest, err := index.Digest()
	require.NoError(t, err)
	server := registrytest.Start(t, registrytest.Options{Registry: inner, Token: true, NoReferrers: true, Attestations: 2})
	server.At(kind, fail.Times, fail.Fault)
	clock := registrytest.NewClock()
	options := registry.Options{Push: true, Clock: clock, Random: registrytest.Half, Transport: &http.Transport{}}
	if fail.Stalls {
		options.Wait, options.Stall = stall, stall
	}
	repository, err := registry.Open(server.Host+"/"+name, options)
	require.NoError(t, err)
	began := clock.Now()
	results, err := publish.Run(t.Context(), step.Silent{}, publish.Publication{
		Repository: repository, Index: index, Attachments: notes(digest), Created: began,
		Tags: []publish.Tag{{Name: "1.2.3"}, {Name: "latest", Moving: true}},
	})
	require.NotZero(t, server.Count(kind), "the fault was not met")
	require.Empty(t, server.Broken())
	require.Len(t, results, 1)
	pointsTo := func(tag string) string {
		return server.Get("/v2/" + name + "/manifests/" + tag).Header().Get("Docker-Content-Digest")
	}
	if fail.Ends(kind) {
		require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, server.Host+"/"+name)
		require.Equal(t, publish.Incomplete, results[0].State)
		if kind != registrytest.TagPut && kind != registrytest.TagHead {
			require.Empty(t, pointsTo("1.2.3"), "a tag moved")
		}
		require.Empty(t, pointsTo("latest"), "a tag moved")
		return
	}
	require.NoError(t, err)
	require.Equal(t, publish.Published, results[0].State)
	raw, err := index.RawManifest()
	require.NoError(t, err)
	require.Empty(t, server.Missing("/v2/"+name, raw))
	for _, tag := range []string{"1.2.3", "latest"} {
		require.Equal(t, digest.String(), pointsTo(tag), tag)
	}
	waited := clock.Now().Sub(began)
	require.GreaterOrEqual(t, waited, fail.Waits)
	require.Less(t, waited, 5*time.Minute)
}

// notes are two things that are said of an image, made already.
func notes(subject v1.Hash) []publish.Attachment {
	var all []publish.Attachment
	for _, kind := range []string{attest.Signature, attest.Provenance} {
		d := attest.Document{Subject: subject.String(), PredicateType: kind, MediaType: attest.BundleMediaType, Content: []byte(`{"of": "` + kind + `"}`)}
		all = append(all, publish.Attachment{
			Subject: d.Subject, PredicateType: kind, MediaType: d.MediaType, Signer: "key k",
			Document: func() (attest.Document, error) { return d, nil },
		})
	}
	return all
}
