package gocmd

import (
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
)

// finish makes the result of a package. Of tests that had not ended, those fail that
// ran; those that waited for their turn are left out.
func (r *Results) finish(p *testedPackage, e testEvent) {
	result := finding.TestPackage{Name: p.name, Outcome: e.Action, Seconds: e.Elapsed}
	for _, t := range p.order {
		r.flush(&t.out)
		if t.Outcome == "" && result.Outcome == "fail" {
			if t.paused && len(t.out.first) == 0 {
				continue
			}
			if t.Outcome = "fail"; len(t.out.first) == 0 {
				r.keep(&t.out, "did not end")
			}
		}
		if t.Outcome == "" {
			t.Outcome = result.Outcome
		}
		if t.Outcome == "pass" {
			r.drop(&t.out)
		}
		t.Output = t.out.lines()
		result.Tests = append(result.Tests, t.Test)
	}
	r.flush(&p.out)
	if result.Outcome == "fail" {
		if out := r.builds[e.FailedBuild]; e.FailedBuild != "" && out != nil {
			r.flush(out)
			result.Output = out.lines()
		}
		result.Output = append(result.Output, p.out.lines()...)
	} else {
		r.drop(&p.out)
	}
	if p.unlisted > 0 {
		result.Output = append(result.Output, fmt.Sprintf("%d more tests are not listed", p.unlisted))
	}
	switch {
	case e.FailedBuild != "":
		mark(&r.unbuilt, p.name)
	case result.Outcome == "fail" && (!p.ended || p.unlisted > 0):
		mark(&r.cut, p.name)
	}
	delete(r.running, p.name)
	r.done = append(r.done, result)
	if r.Event != nil {
		r.Event(result)
	}
}

func mark(names *map[string]bool, name string) {
	if *names == nil {
		*names = map[string]bool{}
	}
	(*names)[name] = true
}

// End returns the packages, sorted. One that began and never ended fails.
func (r *Results) End() []finding.TestPackage {
	if len(r.line) > 0 {
		r.take()
	}
	for _, p := range r.running {
		r.print(&p.out, "did not end\n")
		r.finish(p, testEvent{Action: "fail"})
	}
	slices.SortStableFunc(r.done, func(a, b finding.TestPackage) int { return strings.Compare(a.Name, b.Name) })
	return r.done
}

// Loose are lines that belong to no package.
func (r *Results) Loose() []string {
	r.flush(&r.loose)
	return r.loose.lines()
}
