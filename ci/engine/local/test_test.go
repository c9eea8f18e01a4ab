package local_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

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

// twice are tests of which some fail the first time and pass the second time. All that
// is the same in both runs is the cache of tests: homes and temporary files are new.
const twice = `package tide

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTwice(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) {
		for _, dir := range []string{os.TempDir(), os.Getenv("HOME")} {
			name := filepath.Join(dir, "NAME")
			if _, err := os.Stat(name); err == nil {
				t.Error("an earlier run left", name)
			}
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		if !second(t) {
			t.Error("no water")
		}
	})
}

func second(t *testing.T) bool {
	name := filepath.Join(os.Getenv("GOCACHE"), "NAME"+filepath.Base(t.Name()))
	if os.Remove(name) == nil {
		return true
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Error(err)
	}
	return false
}
`

const panics = `

func TestPanic(t *testing.T) {
	if !second(t) {
		panic("no water")
	}
}

func TestAfter(t *testing.T) {}
`

func TestTest_RunsAgainWhatFails(t *testing.T) {
	t.Parallel()
	root := folder(t)
	// The cache is kept from one time to the next.
	name := "slipway-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	e := prepared(t, map[string]string{
		"go.mod":         "module example.com/tide\n\ngo 1.25.0\n",
		"tide_test.go":   strings.ReplaceAll(twice, "NAME", name),
		"tide.go":        "package tide\n",
		"p/tide_test.go": strings.ReplaceAll(twice+panics, "NAME", name+"p"),
	}, engine.Source{Root: root, ModuleFolders: []string{root}})
	tests, err := e.Test(t.Context(), engine.Tests{Packages: []string{"./..."}, Rerun: 3}, step.Silent{}.Start(""))
	require.NoError(t, err, "flaky is no failure of the engine's")
	require.Equal(t, "6 tests in 2 packages, 3 flaky", tests.Summary())
	require.Equal(t, 1, tests.Reruns)
	flaky := tests.Flaky()
	require.Equal(t, "TestTwice/bad", flaky[0].Name)
	require.Equal(t, []string{"    tide_test.go:22: no water"}, flaky[0].Output)
	require.Equal(t, "TestPanic", flaky[2].Name)
	require.Contains(t, flaky[2].Output[0], "panic: no water")
	after := tests.Packages[1].Tests
	require.Equal(t, "TestAfter pass", after[len(after)-1].Name+" "+after[len(after)-1].Outcome, "the panic hid it the first time")

	tests, err = e.Test(t.Context(), engine.Tests{Packages: []string{"./..."}}, step.Silent{}.Start(""))
	require.Equal(t, fault.Tests, fault.KindOf(err), "nothing is run again unless somebody asks")
	require.Zero(t, tests.Reruns)
}
