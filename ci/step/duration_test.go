package step_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/step"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second:            "0.0s",
		0:                       "0.0s",
		449 * time.Millisecond:  "0.4s",
		9949 * time.Millisecond: "9.9s",
		9960 * time.Millisecond: "10s",
		125 * time.Second:       "125s",
	} {
		require.Equal(t, want, step.Duration(d))
	}
}
