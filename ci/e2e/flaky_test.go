package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// unsteady are tests that do not always pass. TestSecond needs to be alone, and that no
// earlier run left a file. TestThird passes the third time: it counts in the cache of
// tests, which is all that is kept from run to run.
const unsteady = `package unsteady

import (
	"os"
	"path/filepath"
	"testing"
)

var tide string

func TestFirst(*testing.T) { tide = "high" }

func TestSecond(t *testing.T) {
	t.Run("low", func(t *testing.T) {
		for _, dir := range []string{os.TempDir(), os.Getenv("HOME")} {
			f, err := os.OpenFile(filepath.Join(dir, "NAME"), os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				t.Error(err)
			}
			f.Close()
		}
		if tide == "high" {
			t.Error("no water")
		}
	})
}

func TestThird(t *testing.T) {
	name := filepath.Join(os.Getenv("GOCACHE"), "NAME")
	before, _ := os.ReadFile(name)
	if len(before) == 2 {
		os.Remove(name)
		return
	}
	if err := os.WriteFile(name, append(before, '.'), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Error("not yet")
}

func TestNever(t *testing.T) { t.Error("never") }
`

// A rerun is a run of its own, on both engines: nobody answers it from what is known.
func requireFlakyToldAlike(t *testing.T, l *lab) {
	src := fixture(t)
	name := "slipway-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	require.NoError(t, os.Mkdir(filepath.Join(src, "unsteady"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(src, "unsteady", "u_test.go"), []byte(strings.ReplaceAll(unsteady, "NAME", name)), 0o644))
	pin, err := plan.ParsePin(l.images.Builder)
	require.NoError(t, err)
	run := func(e engine.Engine) *finding.Tests {
		defer e.Close()
		_, err := e.Prepare(t.Context(), engine.Source{Root: src, TreeRoot: src, ModuleFolders: []string{src}}, engine.Builder{Image: pin, Release: "go1.26.9"}, step.Silent{}.Start(""))
		require.NoError(t, err)
		tests, err := e.Test(t.Context(), engine.Tests{Packages: []string{"./unsteady"}, Rerun: 3}, step.Silent{}.Start(""))
		require.ErrorContains(t, err, "the test TestNever fails")
		return untimely(tests)
	}
	onLocal, onDagger := bothEngines(t, l)
	ours, theirs := run(onLocal), run(onDagger)
	require.Equal(t, ours, theirs)
	require.Equal(t, "4 tests in 1 package, 1 failed, 2 flaky", ours.Summary())
	require.Equal(t, 3, ours.Reruns)
	require.Equal(t, "TestThird", ours.Flaky()[1].Name)
}
