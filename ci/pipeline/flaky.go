package pipeline

import (
	"fmt"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
)

const (
	// maxFlaky is how many lines of flaky tests an error has, maxOfOne how many of one.
	maxFlaky = 60
	maxOfOne = 12
)

// steady is an error of kind Tests where tests are flaky, unless the policy only notes
// them.
func steady(tests *finding.Tests, p plan.Policy) error {
	flaky := tests.Flaky()
	if len(flaky) == 0 || p.Flaky == "note" {
		return nil
	}
	what := fmt.Sprintf("the test %s is flaky: it failed, and passed when it was run again", flaky[0].Name)
	if n := len(flaky); n > 1 {
		what = fmt.Sprintf("%d tests are flaky, %s first: they failed, and passed when they were run again", n, flaky[0].Name)
	}
	var detail []string
	for _, p := range tests.Packages {
		for _, test := range p.Flaky() {
			detail = append(detail, fmt.Sprintf("--- FLAKY: %s (%s)", test.Name, p.Name))
			detail = append(detail, test.Output[:min(len(test.Output), maxOfOne)]...)
		}
	}
	return fault.New(fault.Tests, "%s", what).WithDetail(detail[:min(len(detail), maxFlaky)]...).
		WithFix("make the same test pass each time; flaky: note lets it pass as it is")
}
