package report

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
)

// column is a column of the table of findings. Those with a least width are made
// narrower where the terminal is.
type column struct {
	title string
	least int
	cell  func(finding.Finding) string
}

func (t *text) columns() []column {
	return []column{
		{"SEVERITY", 0, func(f finding.Finding) string { return clean(string(f.Severity)) }},
		{"FINDING", 14, func(f finding.Finding) string { return clean(f.ID) }},
		{"IN", 16, where},
		{"INSTALLED -> FIXED", 18, versions},
		{"REACH", 0, func(f finding.Finding) string { return clean(string(f.Reach)) }},
		{"PLATFORMS", 11, func(f finding.Finding) string { return t.on(f) }},
		{"STATUS", 0, func(f finding.Finding) string { return clean(string(f.Status)) }},
	}
}

// on says on which platforms a finding is, and of which image where there are several.
func (t *text) on(f finding.Finding) string {
	on := platforms(t.r, f)
	if len(t.r.Images) > 1 && f.Image != "" {
		return strings.TrimSpace(clean(f.Image) + " " + on)
	}
	return on
}

// failing writes the findings that fail, as a table with what they are and what to do
// under each, or one below the other where the terminal is too narrow for columns.
func (t *text) failing() {
	all := sorted(t.r, finding.Fails)
	if len(all) == 0 {
		return
	}
	shown := all[:min(len(all), maxFailing)]
	t.Line("")
	columns := t.columns()
	widths := t.widths(columns, shown)
	if widths != nil {
		t.row(columns, widths, func(c column) string { return c.title })
	}
	for _, f := range shown {
		if widths != nil {
			t.row(columns, widths, func(c column) string { return c.cell(f) })
		} else {
			t.stacked(f)
		}
		t.about(f)
	}
	if more := len(all) - len(shown); more > 0 {
		t.Line(fmt.Sprintf("and %s", plain.Count(more, "more finding")))
	}
}

// widths are the widths of the columns, 0 for one that is empty. They are nil where the
// terminal has no room for them.
func (t *text) widths(columns []column, shown []finding.Finding) []int {
	widths, total := make([]int, len(columns)), -2
	for i, c := range columns {
		for _, f := range shown {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.cell(f)))
		}
		if widths[i] > 0 {
			widths[i] = max(widths[i], len(c.title))
			total += widths[i] + 2
		}
	}
	for total > t.Width {
		widest := -1
		for i, c := range columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil
		}
		widths[widest]--
		total--
	}
	return widths
}

func (t *text) row(columns []column, widths []int, cell func(column) string) {
	var b strings.Builder
	for i, c := range columns {
		if widths[i] == 0 {
			continue
		}
		s := cut(cell(c), widths[i])
		b.WriteString(t.painted(c, s) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s)+2))
	}
	t.Line(b.String())
}

// painted colours a severity and the titles.
func (t *text) painted(c column, s string) string {
	switch {
	case s == c.title:
		return t.Paint(plain.Faint, s)
	case c.title == "SEVERITY":
		return t.severity(s)
	}
	return s
}

func (t *text) severity(s string) string {
	switch finding.Severity(s) {
	case finding.Critical, finding.High:
		return t.Paint(plain.Red, s)
	case finding.Medium:
		return t.Paint(plain.Yellow, s)
	}
	return s
}

func (t *text) stacked(f finding.Finding) {
	t.Line(t.severity(clean(string(f.Severity))) + " " + clean(f.ID))
	var parts []string
	for _, part := range []string{strings.TrimSpace(where(f) + " " + versions(f)), clean(string(f.Reach)), t.on(f)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	t.Folded("  ", strings.Join(parts, ", "))
}

// about writes what a finding is, how the program comes to it, and what to do.
func (t *text) about(f finding.Finding) {
	t.Folded("  ", f.What)
	if len(f.Trace) > 0 {
		t.Folded("  called by ", strings.Join(f.Trace, " -> "))
	}
	if f.Reason != "" {
		t.Folded("  ", f.Reason)
	}
	t.fix(f.Fix)
}

// others counts the findings that stop nothing and names the first of them.
func (t *text) others() {
	for _, status := range []finding.Status{finding.Noted, finding.Accepted, finding.NotAffected} {
		all := sorted(t.r, status)
		if len(all) == 0 {
			continue
		}
		t.Line("")
		t.Line(fmt.Sprintf("%s: %d", strings.ReplaceAll(string(status), "-", " "), len(all)))
		for _, f := range all[:min(len(all), maxOthers)] {
			place := strings.TrimSpace(where(f) + " " + versions(f))
			t.Folded("  ", fmt.Sprintf("%s %s in %s: %s", clean(string(f.Severity)), clean(f.ID), place, cmp.Or(f.Reason, f.What)))
		}
		if more := len(all) - maxOthers; more > 0 {
			t.Line(fmt.Sprintf("  and %d more", more))
		}
	}
}
