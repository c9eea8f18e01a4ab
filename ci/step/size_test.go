package step_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/step"
)

func TestSize_IsInDecimalUnits(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 84_160: "84.2 kB", 842_000: "842 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		6_123_456: "6.1 MB", 14_960_000: "15.0 MB", 99_949_999: "99.9 MB", 99_950_000: "100 MB", 1_234_000_000: "1.2 GB",
		-1500: "-1.5 kB", 1<<63 - 1: "9.2 EB", -1 << 63: "-9.2 EB",
	} {
		require.Equal(t, want, step.Size(n))
	}
}
