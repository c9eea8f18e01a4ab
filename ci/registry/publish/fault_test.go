package publish_test

import (
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

// The product of requests and faults: either the publish succeeds within its budget,
// or it ends with a sentence; no tag ever points to something incomplete.
func TestRun_SurvivesFaults(t *testing.T) {
	t.Parallel()
	cells := 0
	for _, fail := range registrytest.Failures(stall) {
		for _, kind := range registrytest.Kinds(false) {
			if fail.Stalls && testing.Short() {
				continue
			}
			cells++
			t.Run(fail.Name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				survive(t, kind, fail)
			})
		}
	}
	require.Greater(t, cells, 200)
}

func survive(t *testing.T, kind registrytest.Kind, fail registrytest.Failure) {
	t.Helper()
	f := newFixture(t, registrytest.Options{Token: true, Attestations: 2, NoReferrers: kind == registrytest.FallbackGet || kind == registrytest.FallbackPut})
	if fail.Stalls {
		f.options.Wait, f.options.Stall = stall, stall
	}
	f.server.At(kind, fail.Times, fail.Fault)
	results, err := publish.Run(t.Context(), step.Silent{}, f.publication(t, tags()...))
	require.NotZero(t, f.server.Count(kind), "the fault was not met")
	require.Empty(t, f.server.Broken())
	require.Len(t, results, 1)
	if fail.Ends(kind) {
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
	require.GreaterOrEqual(t, waited, fail.Waits)
	require.Less(t, waited, 5*time.Minute)
}
