// Package policy holds findings against what a source says it tolerates: a threshold,
// exceptions with an end, and VEX documents. It marks every finding and drops none.
//
// The zero policy is the strictest one: everything fails.
package policy

import (
	"fmt"
	"slices"
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
)

// Apply marks findings: each gets a status, and a reason that says on whose word. The
// strongest word is an exception's, then a VEX document's, then the policy's own.
//
// An exception that has expired, and one that matches nothing, are findings themselves,
// which fail. That one matches nothing can only be told where every gate judged that
// could have found it: judged has the names of the gates whose findings are complete.
//
// The result is merged and sorted as finding.Merge has it; list stays as it is.
func Apply(list []finding.Finding, p plan.Policy, documents []VEX, judged []string, now time.Time) []finding.Finding {
	exceptions := newExceptions(p.Exceptions, now)
	marked := slices.Clone(list)
	for i := range marked {
		f := &marked[i]
		accepted, expired := exceptions.match(*f)
		if accepted != nil {
			f.Status, f.Reason = finding.Accepted, fmt.Sprintf("accepted by %s until %s: %s", accepted.Owner, accepted.Expires, accepted.Reason)
			continue
		}
		if said, ok := latest(documents, *f, p.Product); ok && said.clears() {
			f.Status, f.Reason = finding.NotAffected, said.reason()
			continue
		}
		f.Status, f.Reason = byRule(*f, p)
		if f.Status == finding.Fails && expired != nil {
			f.Reason += fmt.Sprintf("; the exception of %s expired on %s", expired.Owner, expired.Expires)
		}
	}
	return finding.Merge(append(marked, exceptions.problems(judged)...))
}

// byRule is what the policy says of a finding for which nobody else has a word.
func byRule(f finding.Finding, p plan.Policy) (finding.Status, string) {
	why := fmt.Sprintf("%s, the threshold is %s", f.Severity, p.Severity)
	switch severity, err := finding.ParseSeverity(string(f.Severity)); {
	case err != nil || severity == finding.Unknown:
		why = "nobody has rated it yet"
		if p.Unknown == "note" {
			return finding.Noted, why
		}
	case !severity.AtLeast(finding.Severity(p.Severity)):
		return finding.Noted, why
	}
	if f.Gate != finding.GateVulnerabilities || f.Package == nil {
		return finding.Fails, why
	}
	if p.Unfixed == "note" && len(f.Package.Fixed) == 0 {
		return finding.Noted, "no version fixes it"
	}
	if p.Reach == "called" && inGo(*f.Package) {
		switch f.Reach {
		case finding.Imported:
			return finding.Noted, "the vulnerable package is in the program, which calls nothing vulnerable in it"
		case finding.Present:
			return finding.Noted, "the vulnerable package is not in the program"
		}
	}
	return finding.Fails, why
}

// inGo tells whether a package is Go code, of which its reach can be known.
func inGo(p finding.Package) bool { return p.Kind == "gomod" || p.Kind == "stdlib" }
