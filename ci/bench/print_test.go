package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMedian_LeavesNoRunOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list []time.Duration
		want time.Duration
	}{
		{[]time.Duration{3}, 3},
		{[]time.Duration{9, 1, 5}, 5},
		{[]time.Duration{8, 2, 4, 100}, 6},
	} {
		require.Equal(t, c.want, median(c.list))
	}
}

func TestRow_HasMediansTheirRatioAndTheRange(t *testing.T) {
	t.Parallel()
	runs := func(walls ...int) []sample {
		var list []sample
		for _, w := range walls {
			list = append(list, sample{wall: time.Duration(w) * time.Millisecond, cpu: time.Second})
		}
		return list
	}
	r := row{service: "sample", platforms: "linux/amd64", change: nothing, ours: runs(500, 400, 900), theirs: runs(1000, 2000, 900)}
	require.Equal(t, "| sample | linux/amd64 | nothing | 0.50s | 1.00s | 0.50 | 0.40s-0.90s | 0.90s-2.00s | 1.00s | 1.00s |", r.String())
}
