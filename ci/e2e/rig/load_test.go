package rig_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

func TestStretch_IsLargerWhereTheMachineIsBusy(t *testing.T) {
	t.Logf("now: %.2f", rig.Stretch())
	done := make(chan struct{})
	defer close(done)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for {
				select {
				case <-done:
					return
				default:
				}
			}
		}()
	}
	busy := rig.Stretch()
	t.Logf("busy: %.2f", busy)
	require.Greater(t, busy, 1.5)
}
