package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// replaying stands before the command that makes a run again.
const replaying = "Replay on your machine:"

// ending is why a run has another exit code than 0, as every form shows it.
type ending struct {
	What, Fix, Step string
	// Blamed are the tests and findings that a verdict is about.
	Blamed string
	Lines  []string
	More   int
}

// endingOf is nil for a run that nothing ended. It has the first n lines of the tool that
// failed.
func endingOf(r *receipt.Receipt, n int) *ending {
	f := r.Failure
	if f == nil {
		return nil
	}
	e := &ending{What: cmp.Or(clean(f.What), "it does not say why"), Fix: clean(f.Fix), Step: clean(f.Step)}
	e.Lines, e.More = first(f.Detail, n)
	if judgedSo(r) {
		e.Step, e.Blamed, e.Fix = "", blamed(r), cmp.Or(clean(firstFix(r)), e.Fix)
	}
	return e
}

// judgedSo tells whether a failure is the verdict of gates or registries, which say more
// of it themselves.
func judgedSo(r *receipt.Receipt) bool {
	switch r.Failure.Kind {
	case "tests", "gate", "unjudged":
		return slices.ContainsFunc(r.Gates, func(g finding.Gate) bool { return g.Outcome == finding.Failed || g.Outcome == finding.Unjudged })
	case "registry":
		return slices.ContainsFunc(r.Run.Publications, func(p receipt.Publication) bool { return p.State == receipt.Incomplete })
	}
	return false
}

// blamed names the first tests and findings that fail. Where no test does, tests failed for
// those that are flaky.
func blamed(r *receipt.Receipt) string {
	var names []string
	tests := failures(r.Tests)
	if g, _ := r.Gate(finding.GateTests); len(tests) == 0 && g.Outcome == finding.Failed {
		tests = flaky(r.Tests)
	}
	for _, f := range tests {
		names = append(names, cmp.Or(clean(f.Test), clean(f.Package)))
	}
	for _, f := range sorted(r, finding.Fails) {
		if id := clean(f.ID); !slices.Contains(names[max(len(names)-maxNames, 0):], id) {
			names = append(names, id)
		}
	}
	return some(names)
}

// firstFix is what to do about the first thing that fails, and not that a report says it.
func firstFix(r *receipt.Receipt) string {
	for _, g := range r.Gates {
		if g.Outcome != finding.Failed && g.Outcome != finding.Unjudged {
			continue
		}
		for _, f := range sorted(r, finding.Fails) {
			if f.Gate == g.Name && f.Fix != "" {
				return f.Fix
			}
		}
		return g.Fix
	}
	return ""
}

// endedAt says where a run without a verdict of gates ended.
func endedAt(r *receipt.Receipt) string {
	switch {
	case r.Failure == nil:
		return "no gate judged"
	case r.Failure.Step == "":
		return "ended before any gate judged"
	}
	return "ended in the step " + clean(r.Failure.Step) + ", before any gate judged"
}

// What is pasted into a shell is made of nothing that a shell reads.
var (
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,999}$`)
	imageForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,999}@sha256:[0-9a-f]{64}$`)
)

// replay is the command that makes a run again, or empty where nothing can.
func replay(r *receipt.Receipt) string {
	if !tokenForm.MatchString(r.Run.Replay) {
		return ""
	}
	return "slipway reproduce " + r.Run.Replay
}

// pull is the command that takes an image from a repository which has all of it, or empty.
func pull(p receipt.Publication) string {
	image := p.Repository + "@" + p.Digest
	if p.State != receipt.Published && p.State != receipt.Unchanged || !imageForm.MatchString(image) {
		return ""
	}
	return "docker pull " + image
}

// flaky are the tests that failed and passed when they were run again.
func flaky(t *finding.Tests) []failure {
	if t == nil {
		return nil
	}
	var list []failure
	for _, p := range t.Packages {
		for _, test := range p.Flaky() {
			list = append(list, failure{p.Name, test.Name, test.Seconds, test.Output})
		}
	}
	return list
}

// named is a test with its package.
func (f failure) named() string { return strings.TrimSpace(clean(f.Package) + " " + clean(f.Test)) }
