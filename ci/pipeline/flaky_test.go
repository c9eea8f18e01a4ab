package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/pipeline"
)

func unsteady(names ...string) finding.Tests {
	p := finding.TestPackage{Name: "example.com/tide", Outcome: "pass"}
	for _, name := range names {
		p.Tests = append(p.Tests, finding.Test{Name: name, Outcome: "flaky", Output: strings.Split(strings.Repeat("no water\n", 100), "\n")})
	}
	return finding.Tests{Reruns: 1, Packages: []finding.TestPackage{p}}
}

func noting(f *config.File) (*config.Said, error) {
	said, err := file(f)
	if err == nil {
		said.Flaky = "note"
	}
	return said, err
}

// Both verbs that test hold flaky tests against the policy; the engine does not know it.
func TestFlaky_FailsUnlessThePolicyNotesIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tests finding.Tests
		said  pipeline.Said
		want  string
	}{
		"one":     {unsteady("TestHigh"), file, "the test TestHigh is flaky: it failed, and passed when it was run again: make the same test pass each time; flaky: note lets it pass as it is"},
		"several": {unsteady("TestHigh", "TestLow"), file, "2 tests are flaky, TestHigh first: they failed, and passed when they were run again: make the same test pass each time; flaky: note lets it pass as it is"},
		"noted":   {unsteady("TestHigh"), noting, ""},
		"none":    {finding.Tests{Reruns: 0}, file, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{tests: tt.tests}
			p, _ := service(t, f, nil)
			p.Rerun = 3
			_, err := p.Test(t.Context(), tt.said)
			require.Equal(t, 3, f.asked.Rerun)
			done, wrong := p.Check(t.Context(), tt.said, pipeline.Checks{Gates: []string{finding.GateTests}, Rerun: 2})
			require.NoError(t, wrong)
			require.Equal(t, 2, f.asked.Rerun)
			require.Len(t, done.Receipt.Tests.Flaky(), len(tt.tests.Flaky()), "the receipt has them in any case")
			gate := done.Receipt.Gates[0]
			if tt.want == "" {
				require.NoError(t, err)
				require.NoError(t, done.Err())
				require.Equal(t, tt.tests.Summary(), gate.Summary)
				return
			}
			require.EqualError(t, err, tt.want)
			require.EqualError(t, done.Err(), "the gate tests fails: "+tt.want)
			require.Equal(t, fault.Tests, fault.KindOf(done.Err()))
			told, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, "--- FLAKY: TestHigh (example.com/tide)", told.Detail[0])
			require.Len(t, told.Detail, 13*len(tt.tests.Flaky()))
			require.Equal(t, told.Detail, gate.Detail)
		})
	}
}

// What fails for good is said first, and by the engine.
func TestFlaky_ComesAfterWhatFails(t *testing.T) {
	t.Parallel()
	f := &fake{tests: unsteady("TestLow"), broken: fault.New(fault.Tests, "the test TestHigh fails")}
	p, _ := service(t, f, nil)
	_, err := p.Test(t.Context(), noting)
	require.EqualError(t, err, "the test TestHigh fails")
}
