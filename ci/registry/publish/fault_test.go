package publish_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/registry/registrytest"
	"example.com/slipway/ci/step"
)

// stall is how long the registry may be silent in the tests of silence.
const stall = 250 * time.Millisecond

// failure is a way in which a registry fails, and what becomes of a publish then.
type failure struct {
	name  string
	times int
	fault registrytest.Fault
	// at least that long is waited for.
	waits time.Duration
	// ends are the kinds of request where the publish ends with an error; the others
	// go through. Nil is none.
	ends  func(registrytest.Kind) bool
	stall bool
}

var kinds = []registrytest.Kind{
	registrytest.Ping, registrytest.TokenGet, registrytest.TagHead, registrytest.IndexHead, registrytest.BlobHead,
	registrytest.UploadPost, registrytest.UploadData, registrytest.ImagePut, registrytest.IndexPut, registrytest.ReadBack,
	registrytest.ReferrersGet, registrytest.AttestationPut, registrytest.TagPut,
}

func always(registrytest.Kind) bool { return true }

func only(kinds ...registrytest.Kind) func(registrytest.Kind) bool {
	return func(k registrytest.Kind) bool {
		for _, one := range kinds {
			if one == k {
				return true
			}
		}
		return false
	}
}

func except(kinds ...registrytest.Kind) func(registrytest.Kind) bool {
	return func(k registrytest.Kind) bool { return !only(kinds...)(k) }
}

func failures() []failure {
	later := registrytest.NewClock().Now().Add(45 * time.Second).Format(http.TimeFormat)
	return []failure{
		{name: "429", times: 1, fault: registrytest.Status(429, "TOOMANYREQUESTS")},
		{name: "429 Retry-After seconds", times: 1, fault: registrytest.Status(429, "TOOMANYREQUESTS", "Retry-After", "40"), waits: 40 * time.Second},
		{name: "503 Retry-After date", times: 1, fault: registrytest.Status(503, "UNAVAILABLE", "Retry-After", later), waits: 45 * time.Second},
		{name: "429 for ever", times: -1, fault: registrytest.Status(429, "TOOMANYREQUESTS"), ends: always},
		{name: "500", times: 1, fault: registrytest.Status(500, "UNKNOWN")},
		{name: "502 page", times: 1, fault: registrytest.Page(502)},
		{name: "503 x 4", times: 4, fault: registrytest.Status(503, "UNAVAILABLE")},
		{name: "reset", times: 2, fault: registrytest.Reset},
		{name: "half an answer", times: 1, fault: registrytest.HalfAnswer},
		{name: "silence", times: 1, fault: registrytest.Silence(2 * stall), stall: true},
		{name: "drip", times: 1, fault: registrytest.Drip(2 * stall), stall: true, ends: only(registrytest.Ping)},
		{name: "lost", times: 1, fault: registrytest.Lost},
		{name: "unknown blob", times: 1, fault: registrytest.Status(404, "BLOB_UNKNOWN"), ends: only(registrytest.Ping, registrytest.TokenGet)},
		{name: "unknown upload", times: 1, fault: registrytest.Status(404, "BLOB_UPLOAD_UNKNOWN"), ends: only(registrytest.Ping, registrytest.TokenGet)},
		{name: "wrong digest", times: -1, fault: registrytest.WrongDigest, ends: except(registrytest.Ping,
			registrytest.TokenGet, registrytest.IndexHead, registrytest.BlobHead, registrytest.UploadPost, registrytest.ReferrersGet)},
		{name: "expired token", times: 1, fault: registrytest.Expired},
		{name: "401", times: -1, fault: registrytest.Status(401, "UNAUTHORIZED"), ends: except(registrytest.Ping)},
		{name: "403", times: -1, fault: registrytest.Status(403, "DENIED"), ends: always},
		{name: "404 repository", times: -1, fault: registrytest.Status(404, "NAME_UNKNOWN"), ends: except(
			registrytest.IndexHead, registrytest.BlobHead, registrytest.ReferrersGet)},
	}
}

// The product of requests and faults: either the publish succeeds within its budget,
// or it ends with a sentence; no tag ever points to something incomplete.
func TestRun_SurvivesFaults(t *testing.T) {
	t.Parallel()
	cells := 0
	for _, fail := range failures() {
		for _, kind := range kinds {
			if fail.stall && testing.Short() {
				continue
			}
			cells++
			t.Run(fail.name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				survive(t, kind, fail)
			})
		}
	}
	require.Greater(t, cells, 200)
}

func survive(t *testing.T, kind registrytest.Kind, fail failure) {
	t.Helper()
	f := newFixture(t, registrytest.Options{Token: true, Attestations: 2})
	if fail.stall {
		f.options.Wait, f.options.Stall = stall, stall
	}
	f.server.At(kind, fail.times, fail.fault)
	results, err := publish.Run(t.Context(), step.Silent{}, f.publication(t, tags()...))
	require.NotZero(t, f.server.Count(kind), "the fault was not met")
	require.Empty(t, f.server.Broken())
	require.Len(t, results, 1)
	if fail.ends != nil && fail.ends(kind) {
		require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, f.server.Host+"/team/server")
		require.NotContains(t, err.Error(), "on demand")
		require.Equal(t, publish.Incomplete, results[0].State)
		if kind != registrytest.TagPut && kind != registrytest.TagHead {
			require.Empty(t, f.pointsTo("1.2.3"), "a tag moved")
		}
		require.Empty(t, f.pointsTo("latest"), "a tag moved")
		return
	}
	require.NoError(t, err)
	require.Equal(t, publish.Published, results[0].State)
	f.requireComplete(t, "1.2.3", "latest")
	waited := f.clock.Now().Sub(registrytest.NewClock().Now())
	require.GreaterOrEqual(t, waited, fail.waits)
	require.Less(t, waited, 5*time.Minute)
}
