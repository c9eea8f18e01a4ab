package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian_LeavesNoRunOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		walls []float64
		want  float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{8, 2, 4, 100}, 6},
	} {
		var one cell
		for _, w := range c.walls {
			one.Samples = append(one.Samples, sample{Wall: w})
		}
		require.InDelta(t, c.want, one.median(), 1e-9)
	}
}

func TestKeep_PutsALaterRunInThePlaceOfTheWholeEarlierOne(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "figures.json")
	other := record{Scenario: "warm", Service: "caddy", Commit: "a"}
	require.NoError(t, keep(file, other))
	require.NoError(t, keep(file, record{Scenario: "fresh", Service: "caddy", Rows: []row{{Name: "one"}, {Name: "two"}}}))
	require.NoError(t, keep(file, record{Scenario: "fresh", Service: "caddy", Rows: []row{{Name: "two"}}}))
	got, err := read(file)
	require.NoError(t, err)
	require.Equal(t, []record{other, {Scenario: "fresh", Service: "caddy", Rows: []row{{Name: "two"}}}}, got)
}
