package pipeline

import (
	"cmp"
	"fmt"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/policy"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// conclude holds the findings against the policy, and the gates against the findings.
func (c *check) conclude() {
	// A gate that failed without findings has not looked for those of exceptions.
	var judged []string
	for _, name := range finding.Gates() {
		if c.gates[name].Outcome == finding.Passed {
			judged = append(judged, name)
		}
	}
	c.receipt.Findings = policy.Apply(finding.Merge(c.findings), c.b.Plan.Run.Policy, c.documents, judged, c.Now())
	c.receipt.Verdict = receipt.Passed
	for _, name := range finding.Gates() {
		g := c.gates[name]
		if fail, noted := c.count(name); g.Outcome == finding.Passed && fail+noted > 0 {
			g.Summary += ": " + step.Count(fail, "finding") + " to mend, " + fmt.Sprint(noted) + " noted"
			if fail > 0 {
				g.Outcome, g.Fix = finding.Failed, "each finding says what to do"
			}
		}
		switch g.Outcome {
		case finding.Failed:
			c.receipt.Verdict = receipt.Failed
		case finding.Unjudged:
			if c.receipt.Verdict == receipt.Passed {
				c.receipt.Verdict = receipt.Unjudged
			}
		}
		c.receipt.Gates = append(c.receipt.Gates, g)
	}
}

// count counts the findings of a gate that fail and those that do not.
func (c *check) count(gate string) (fail, noted int) {
	for _, f := range c.receipt.Findings {
		switch {
		case f.Gate != gate:
		case f.Status == finding.Fails:
			fail++
		default:
			noted++
		}
	}
	return fail, noted
}

// Err is the verdict as an error: of the gates, else of the registries, or nil.
func (c *Checked) Err() error { return cmp.Or(verdict(c.Receipt.Gates), c.refused) }

// verdict is an error of kind Tests, Gate or Unjudged, the first that is there, or nil.
func verdict(gates []finding.Gate) error {
	for _, of := range []struct {
		outcome finding.Outcome
		tests   bool
		kind    fault.Kind
		// one is what one gate does, several what several do.
		one, several string
	}{
		{finding.Failed, true, fault.Tests, "fails", ""},
		{finding.Failed, false, fault.Gate, "refuses the image", "refuse the image"},
		{finding.Unjudged, false, fault.Unjudged, "could not judge the image", "could not judge the image"},
	} {
		var names []string
		var first finding.Gate
		for _, g := range gates {
			if g.Outcome == of.outcome && (!of.tests || g.Name == finding.GateTests) {
				if names = append(names, g.Name); len(names) == 1 {
					first = g
				}
			}
		}
		switch len(names) {
		case 0:
			continue
		case 1:
			return fault.New(of.kind, "the gate %s %s: %s", first.Name, of.one, first.Summary).WithFix("%s", first.Fix)
		}
		last := len(names) - 1
		return fault.New(of.kind, "the gates %s and %s %s", strings.Join(names[:last], ", "), names[last], of.several).WithFix("the report says what to do for each")
	}
	return nil
}
