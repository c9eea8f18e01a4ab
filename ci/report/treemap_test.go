package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/inspect"
)

func TestSquarify_DividesAllOfTheAreaInProportion(t *testing.T) {
	t.Parallel()
	for _, weights := range [][]float64{{1}, {6, 6, 4, 3, 2, 2, 1}, {1e12, 1, 1}, {5, 5, 5, 5, 5, 5, 5, 5, 5}} {
		in := rect{10, 20, 600, 400}
		total := 0.0
		for _, w := range weights {
			total += w
		}
		areas := squarify(weights, in)
		require.Len(t, areas, len(weights))
		for i, a := range areas {
			require.InEpsilon(t, in.W*in.H*weights[i]/total, a.W*a.H, 1e-3)
			require.GreaterOrEqual(t, a.X, in.X-1e-6)
			require.GreaterOrEqual(t, a.Y, in.Y-1e-6)
			require.LessOrEqual(t, a.X+a.W, in.X+in.W+1e-6)
			require.LessOrEqual(t, a.Y+a.H, in.Y+in.H+1e-6)
			for _, b := range areas[:i] {
				x := min(a.X+a.W, b.X+b.W) - max(a.X, b.X)
				y := min(a.Y+a.H, b.Y+b.H) - max(a.Y, b.Y)
				require.True(t, x < 1e-6 || y < 1e-6, "two areas lie on each other")
			}
		}
	}
}

// The example of the paper, whose areas it gives.
func TestSquarify_IsThatOfThePaper(t *testing.T) {
	t.Parallel()
	areas := squarify([]float64{6, 6, 4, 3, 2, 2, 1}, rect{0, 0, 6, 4})
	require.InDelta(t, 3, areas[0].W, 1e-9)
	require.InDelta(t, 2, areas[0].H, 1e-9)
	require.InDelta(t, 12.0/7, areas[2].W, 1e-9)
	require.InDelta(t, 7.0/3, areas[2].H, 1e-9)
}

func TestSquarify_TakesWhatHasNoArea(t *testing.T) {
	t.Parallel()
	for _, weights := range [][]float64{{}, {0, 0}, {-1, -1}, {5, 0}, {math.MaxInt64, math.MinInt64}} {
		require.Len(t, squarify(weights, rect{0, 0, 10, 10}), len(weights))
	}
	require.Equal(t, []rect{{}}, squarify([]float64{1}, rect{}))
}

func TestModulesOf_PutsPackagesToTheirModules(t *testing.T) {
	t.Parallel()
	mods := modulesOf(&inspect.Go{
		Module: inspect.Module{Path: "example.com/tide"},
		Modules: []inspect.Weight{
			{Name: "std", Version: "go1.26.9", Size: 100}, {Name: "example.com/tide", Size: 40}, {Name: "example.com/tide/moon", Size: 30}, {Name: "(other)", Size: 5},
		},
		Packages: []inspect.Weight{
			{Name: "net/http", Size: 60}, {Name: "vendor/golang.org/x/net", Size: 10}, {Name: "example.com/tide/moon/phase", Size: 30},
			{Name: "example.com/tide", Size: 25}, {Name: "example.com/tidal", Size: 5},
		},
	})
	got := map[string][]part{}
	kinds := map[string]string{}
	for _, m := range mods {
		got[m.name], kinds[m.name] = m.packages, m.kind
	}
	require.Equal(t, map[string][]part{
		"std":                   {{"net/http", 60}, {"std (rest)", 30}, {"vendor/golang.org/x/net", 10}},
		"example.com/tide":      {{"example.com/tide", 25}, {"example.com/tide (rest)", 15}},
		"example.com/tide/moon": {{"example.com/tide/moon/phase", 30}},
		"(other)":               {{"example.com/tidal", 5}},
	}, got)
	require.Equal(t, map[string]string{"std": "std", "example.com/tide": "own", "example.com/tide/moon": "dep0", "(other)": "other"}, kinds)
}
