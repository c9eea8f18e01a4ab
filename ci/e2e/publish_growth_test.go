package e2e_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// A release is held against the one that a moving tag pointed to before: the receipt says
// which that was, and how much each platform grew. Where no tag moved nothing is asked.
func TestPublish_CountsGrowthFromTheLastRelease(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src, h := fixture(t), kindOf(t, "docker-registry").open(t)
	repository := h.repository("tide")
	first := h.publish(t, "tide", src)
	first.digest(t, repository)
	was := readReceipt(t, first.out).Images[0]
	require.Empty(t, was.Since)
	require.Empty(t, was.Growth)

	const more = 64 << 10
	noise := make([]byte, more)
	_, err := rand.NewChaCha8([32]byte{}).Read(noise)
	require.NoError(t, err)
	put(t, src, "cmd/tide/banner.txt", string(noise))
	git(t, src, "commit", "--quiet", "--all", "--message=a longer banner")
	git(t, src, "tag", "v1.5.0")
	second := h.publish(t, "tide", src)
	second.digest(t, repository)
	now := readReceipt(t, second.out).Images[0]
	require.Equal(t, repository+":1", now.Since, "the first of the tags that moved")
	require.Len(t, now.Growth, 2)
	for i, g := range now.Growth {
		require.Equal(t, was.Inspection.Images[i].Platform, g.Platform)
		require.Equal(t, was.Inspection.Images[i].Compressed, g.Total.Before)
		require.Equal(t, now.Inspection.Images[i].Compressed, g.Total.Now)
		require.InDelta(t, more, g.Total.Now-g.Total.Before, more/4)
	}

	h.Proxy.Take()
	again := h.publish(t, "tide", src)
	again.digest(t, repository)
	require.Empty(t, readReceipt(t, again.out).Images[0].Since)
	require.LessOrEqual(t, h.asked(t), 8, "as few as TestPublish_AsksNoMoreThanKo allows")
}
