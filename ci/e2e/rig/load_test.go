package rig_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

func TestStretch_IsLargerWhereTheMachineIsBusy(t *testing.T) {
	t.Logf("now: %.2f", rig.Stretch())
	var done atomic.Bool
	defer done.Store(true)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for !done.Load() {
			}
		}()
	}
	busy := rig.Stretch()
	t.Logf("busy: %.2f", busy)
	require.Greater(t, busy, 1.5)
}
