package gha

import (
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
)

// findings adds those that stop an image.
func (a *annotated) findings() {
	for _, f := range a.r.Findings {
		if f.Status != finding.Fails {
			continue
		}
		what, title := f.What, f.ID
		if p := f.Package; p != nil {
			what = p.Name + " " + p.Installed + ": " + what
		}
		if f.Severity != "" {
			title += " (" + string(f.Severity) + ")"
		}
		said := []string{what}
		if len(f.Trace) > 0 {
			said = append(said, "called by "+strings.Join(f.Trace, " -> "))
		}
		a.add(failing, a.located(f), title, strings.Join(fixed(said, f.Fix), "\n"))
	}
}

// located is where a finding is mended: where its package is declared, or the file that
// it is in. What is in an image only has no place.
func (a *annotated) located(f finding.Finding) finding.Position {
	if f.Package != nil {
		at, _ := a.r.Declared(f)
		return at
	}
	for _, p := range f.Paths {
		if at, message, ok := finding.ParsePosition(p); ok && message == "" {
			return at
		}
	}
	return finding.Position{}
}

// gates adds those that do not pass without a finding, or a test, that says more.
func (a *annotated) gates() {
	for _, g := range a.r.Gates {
		told := slices.ContainsFunc(a.r.Findings, func(f finding.Finding) bool { return f.Gate == g.Name && f.Status == finding.Fails }) ||
			g.Name == finding.GateTests && a.tested
		switch {
		case g.Outcome == finding.Unjudged:
			a.add(failing, finding.Position{}, "the gate "+g.Name+" could not judge", strings.Join(fixed([]string{g.Summary}, g.Fix), "\n"))
		case g.Outcome == finding.Failed && !told:
			a.add(failing, finding.Position{}, "the gate "+g.Name+" fails", strings.Join(fixed([]string{g.Summary}, g.Fix), "\n"))
		}
	}
}

// failure adds what ended the run, unless it only repeats what was judged.
func (a *annotated) failure() {
	f := a.r.Failure
	if f == nil || a.errors() && slices.Contains([]string{"source", "tests", "gate", "unjudged"}, f.Kind) {
		return
	}
	title := "slipway"
	if f.Step != "" {
		title = f.Step + " fails"
	}
	a.add(failing, finding.Position{}, title, strings.Join(fixed([]string{f.What}, f.Fix), "\n"))
}

// fixed ends lines with what to do.
func fixed(lines []string, fix string) []string {
	if fix == "" {
		return lines
	}
	return append(lines, "fix: "+fix)
}
