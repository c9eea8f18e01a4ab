package finding_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
)

func TestTests_CountEachTestOnce(t *testing.T) {
	t.Parallel()
	tests := finding.Tests{Packages: []finding.TestPackage{
		{Name: "a", Outcome: "fail", Tests: []finding.Test{
			{Name: "TestGood", Outcome: "pass"},
			{Name: "TestParent", Outcome: "fail"},
			{Name: "TestParent/good", Outcome: "pass"},
			{Name: "TestParent/bad", Outcome: "fail"},
			{Name: "TestParent/bad/worse", Outcome: "fail"},
			{Name: "TestItself", Outcome: "fail"},
			{Name: "TestItself/good", Outcome: "pass"},
			{Name: "TestParentheses", Outcome: "fail"},
		}},
		{Name: "b", Outcome: "pass", Tests: []finding.Test{{Name: "TestNot", Outcome: "skip"}}},
		{Name: "c", Outcome: "skip"},
	}}
	passed, failed, skipped := tests.Count()
	require.Equal(t, []int{3, 3, 1}, []int{passed, failed, skipped})
	require.Equal(t, "7 tests in 3 packages, 3 failed, 1 skipped", tests.Summary())
	var names []string
	for _, test := range tests.Packages[0].Failed() {
		names = append(names, test.Name)
	}
	require.Equal(t, []string{"TestParent/bad/worse", "TestItself", "TestParentheses"}, names)
}

// A flaky test passed in the end. Its parent follows it, and is no other flaky test.
func TestTests_CountFlakyOnesOnce(t *testing.T) {
	t.Parallel()
	tests := finding.Tests{Race: true, Packages: []finding.TestPackage{
		{Name: "a", Outcome: "pass", Tests: []finding.Test{
			{Name: "TestGood", Outcome: "pass"},
			{Name: "TestParent", Outcome: "flaky"},
			{Name: "TestParent/good", Outcome: "pass"},
			{Name: "TestParent/sometimes", Outcome: "flaky"},
		}},
		{Name: "b", Outcome: "fail", Tests: []finding.Test{
			{Name: "TestItself", Outcome: "flaky"},
			{Name: "TestItself/good", Outcome: "pass"},
			{Name: "TestBoth", Outcome: "fail"},
			{Name: "TestBoth/bad", Outcome: "fail"},
			{Name: "TestBoth/sometimes", Outcome: "flaky"},
		}},
	}}
	passed, failed, skipped := tests.Count()
	require.Equal(t, []int{6, 1, 0}, []int{passed, failed, skipped})
	require.Equal(t, "7 tests in 2 packages, 1 failed, 3 flaky, with the race detector", tests.Summary())
	var names []string
	for _, test := range tests.Flaky() {
		names = append(names, test.Name)
	}
	require.Equal(t, []string{"TestParent/sometimes", "TestItself", "TestBoth/sometimes"}, names)
}

func TestTests_SayWhetherRacesWereLookedFor(t *testing.T) {
	t.Parallel()
	one := []finding.TestPackage{{Name: "a", Outcome: "pass", Tests: []finding.Test{{Name: "Test", Outcome: "pass"}}}}
	require.Equal(t, "1 test in 1 package, with the race detector", (&finding.Tests{Packages: one, Race: true}).Summary())
	require.Equal(t, "1 test in 1 package, without the race detector: no C compiler on PATH", (&finding.Tests{Packages: one, NoRace: "no C compiler on PATH"}).Summary())
	require.Equal(t, "0 tests in 0 packages", (&finding.Tests{}).Summary())
}
