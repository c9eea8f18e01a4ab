package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// contest is a publish in the background.
type contest struct {
	// ended is closed when it has, and its result is there.
	ended chan struct{}
	published
}

// begin starts a publish of the tag of a version and nothing else.
func (h *harborage) begin(t *testing.T, src string, args ...string) *contest {
	t.Helper()
	r := &contest{ended: make(chan struct{}), published: published{out: t.TempDir()}}
	program, env := slipway(t), environment(t, h.env...)
	call := publishArgs(src, r.out, h.repository("tide"), append(args, "--image-tag", "type=semver,pattern={{version}}")...)
	go func() {
		defer close(r.ended)
		r.Result = rig.Run(t, "", env, program, call...)
	}()
	t.Cleanup(func() { <-r.ended })
	return r
}

// reaches waits until a publish is held.
func (r *contest) reaches(t *testing.T, hold *rig.Hold) {
	t.Helper()
	t.Cleanup(hold.Release)
	select {
	case <-hold.Arrived:
	case <-r.ended:
		require.FailNow(t, "it ended before", "%d %s", r.Code, r.Stderr)
	}
}

func (r *contest) end() published {
	<-r.ended
	return r.published
}

// Of two that publish the same version at once with other contents one has the tag,
// and the other says so, and what its own digest is.
func TestPublish_TwoRaceForOneTag(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	other := []string{"--label", "com.example.team=pirates"}
	version := func(r rig.Request) bool { return r.Kind == rig.TagPut && r.Reference == "1.4.0" }
	plain := kindOf(t, "docker-registry")
	digests := func(t *testing.T) (own, others string) {
		h := plain.open(t)
		own = h.begin(t, src).end().digest(t, h.repository("tide"))
		h = plain.open(t)
		return own, h.begin(t, src, other...).end().digest(t, h.repository("tide"))
	}
	own, others := digests(t)
	requireLost := func(t *testing.T, h *harborage, loser, winner published) {
		loser.requireRefused(t, h.repository("tide"), "1.4.0", own)
		require.Equal(t, others, winner.digest(t, h.repository("tide")))
		require.Equal(t, map[string]string{"1.4.0": others}, h.requireComplete(t, h.repository("tide")).tags)
	}
	t.Run("the registry lets no tag move", func(t *testing.T) {
		t.Parallel()
		h, hold := kindOf(t, "in-process, referrers").open(t), rig.NewHold()
		h.Proxy.Between(rig.Both(hold.Before(version), rig.Immutable()))
		first := h.begin(t, src)
		first.reaches(t, hold)
		second := h.begin(t, src, other...).end()
		hold.Release()
		requireLost(t, h, first.end(), second)
	})
	t.Run("the tag is there when it would be put", func(t *testing.T) {
		t.Parallel()
		h, hold := plain.open(t), rig.NewHold()
		h.Proxy.Between(hold.Before(func(r rig.Request) bool { return r.Kind == rig.ManifestPut }))
		first := h.begin(t, src)
		first.reaches(t, hold)
		second := h.begin(t, src, other...).end()
		hold.Release()
		requireLost(t, h, first.end(), second)
	})
	t.Run("the tag is gone when it was put", func(t *testing.T) {
		t.Parallel()
		h, last, answer := plain.open(t), rig.NewHold(), rig.NewHold()
		h.Proxy.Between(rig.Both(last.Before(version), answer.After(version)))
		winner := h.begin(t, src, other...)
		winner.reaches(t, last)
		loser := h.begin(t, src)
		loser.reaches(t, answer)
		last.Release()
		won := winner.end()
		answer.Release()
		requireLost(t, h, loser.end(), won)
	})
	t.Run("both are the same", func(t *testing.T) {
		t.Parallel()
		h, hold := plain.open(t), rig.NewHold()
		h.Proxy.Between(hold.Before(version))
		first := h.begin(t, src)
		first.reaches(t, hold)
		second := h.begin(t, src).end()
		hold.Release()
		require.Equal(t, own, first.end().digest(t, h.repository("tide")))
		require.Equal(t, own, second.digest(t, h.repository("tide")))
		h.requireComplete(t, h.repository("tide"))
	})
}
