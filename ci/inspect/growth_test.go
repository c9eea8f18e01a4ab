package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// Growth names what of a program changed, the largest change first.
func TestCompare_NamesWhatGrew(t *testing.T) {
	t.Parallel()
	report := func(std, own, dep int64) *inspect.Report {
		program := inspect.Program{Entrypoint: true, Size: std + own + dep, Go: &inspect.Go{
			Modules: []inspect.Weight{{Name: "std", Size: std}, {Name: "example.com/tide", Size: own}},
		}}
		if dep > 0 {
			program.Go.Modules = append(program.Go.Modules, inspect.Weight{Name: "example.com/moon", Size: dep})
		}
		return &inspect.Report{Images: []inspect.Image{{Platform: plan.Platform{OS: "linux", Arch: "amd64"}, Programs: []inspect.Program{program}}}}
	}
	grown := inspect.Compare(report(100, 30, 0), report(100, 10, 50))
	require.Equal(t, []inspect.Part{
		{Name: "example.com/moon", Change: inspect.Change{Before: 50}},
		{Name: "example.com/tide", Change: inspect.Change{Before: 10, Now: 30}},
	}, grown[0].Modules)
	none := report(100, 10, 0)
	none.Images[0].Programs[0].Go = nil
	require.Empty(t, inspect.Compare(report(100, 10, 0), none)[0].Modules, "nothing is known of the one before")
}
