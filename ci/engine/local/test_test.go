package local_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// A package's end is heard while others still run, and vet's words come with the tests'.
func TestTest_TellsWhatVetAndTestsFind(t *testing.T) {
	t.Parallel()
	root := folder(t)
	e := prepared(t, map[string]string{
		"go.mod":           "module example.com/tide\n\ngo 1.25.0\n",
		"a/a.go":           "package a\n\nimport \"fmt\"\n\nfunc Say() { fmt.Printf(\"%d\", \"tide\") }\n",
		"a/a_test.go":      "package a\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) { Say() }\n",
		"b/b_test.go":      "package b\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) { t.Error(\"no water\") }\n",
		"broken/b.go":      "package broken\n",
		"broken/bt.go":     "package broken\n\nvar _ = tide\n",
		"none/none.go":     "package none\n",
		"absent/a.go":      "package absent\n",
		"absent/a_test.go": "package absent\n\nimport _ \"example.com/nothing\"\n",
	}, engine.Source{Root: root, ModuleFolders: []string{root}})
	var heard []string
	asked := engine.Tests{Packages: []string{"./..."}, Event: func(p finding.TestPackage) { heard = append(heard, p.Name+" "+p.Outcome) }}
	tests, err := e.Test(t.Context(), asked, step.Silent{}.Start(""))
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, fault.Tests, f.Kind)
	require.Equal(t, "the test TestBad fails, the tests of 2 packages do not build, example.com/tide/absent first, and go vet fails", f.What)
	require.ElementsMatch(t, []string{"example.com/tide/a pass", "example.com/tide/b fail", "example.com/tide/none skip", "example.com/tide/absent fail", "example.com/tide/broken fail"}, heard)
	require.Contains(t, strings.Join(tests.Vet, "\n"), "a/a.go:5:26: fmt.Printf format %d has arg \"tide\" of wrong type string")
	require.Equal(t, []string{"    b_test.go:5: no water"}, tests.Packages[2].Tests[0].Output)
	require.Empty(t, tests.NoRace, "nobody asked")
}
