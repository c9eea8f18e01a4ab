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

func TestResume_GoesOnUnderTheSameConditionsOnly(t *testing.T) {
	t.Parallel()
	kept := record{
		Scenario: "fresh", Service: "caddy", Commit: "a", Machine: machine{Processors: 2}, Tools: []column{{"ko", "v0.19.1"}},
		Rows: []row{{Name: "one", Cells: map[string]cell{"ko": {Samples: []sample{{Wall: 3}, {Wall: 4}}}, "plain": {Empty: "as cold"}}}},
	}
	file := filepath.Join(t.TempDir(), "figures.json")
	require.NoError(t, keep(file, kept))
	for name, c := range map[string]struct {
		change func(*record)
		rounds int
	}{
		"the same":         {func(*record) {}, 2},
		"another day":      {func(r *record) { r.Measured = "2026-11-29" }, 2},
		"another code":     {func(r *record) { r.Commit = "b" }, 0},
		"another machine":  {func(r *record) { r.Machine.Processors = 4 }, 0},
		"another tool":     {func(r *record) { r.Tools = append(r.Tools, column{"buildkit", "v0.34.2"}) }, 0},
		"another version":  {func(r *record) { r.Tools = []column{{"ko", "v0.19.2"}} }, 0},
		"another service":  {func(r *record) { r.Service = "sample" }, 0},
		"another scenario": {func(r *record) { r.Scenario = "warm" }, 0},
	} {
		r := kept
		r.Rows = nil
		c.change(&r)
		require.NoError(t, r.resume(file), name)
		require.Equal(t, c.rounds, r.rounds(), name)
	}
}
