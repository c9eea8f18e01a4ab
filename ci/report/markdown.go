package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// maxMarkdown is what GitHub takes as a summary of a step, in bytes, without the
// sentence that says that something was left out and the command that comes last.
const maxMarkdown = 1<<20 - 4096

// writeMarkdown writes the summary of a job: $GITHUB_STEP_SUMMARY.
func writeMarkdown(w io.Writer, r *receipt.Receipt) error {
	m := &markdown{r: r}
	m.verdict()
	m.ending()
	m.published()
	m.images()
	m.gates()
	m.failing()
	m.tests()
	m.flaky()
	m.others()
	m.steps()
	m.run()
	if m.full {
		m.b.WriteString("\n\nThe rest is left out, because a summary has at most 1 MiB. The page report.html has all of it.\n\n")
	}
	if command := replay(r); command != "" {
		m.b.WriteString(replaying + "\n\n" + fenced(command))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// markdown gathers blocks.
type markdown struct {
	r    *receipt.Receipt
	b    strings.Builder
	full bool
}

// add adds a whole block or row. After the first that does not fit, nothing is added.
func (m *markdown) add(block string) {
	if m.full = m.full || m.b.Len()+len(block) > maxMarkdown; !m.full {
		m.b.WriteString(block)
	}
}

// row is a row of a table: its cells are Markdown.
func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

func head(titles ...string) string {
	return row(titles...) + strings.Repeat("|---", len(titles)) + "|\n"
}

func (m *markdown) verdict() {
	var names []string
	for _, img := range m.r.Images {
		names = append(names, prose(img.Name))
	}
	m.add(fmt.Sprintf("## %s: %s\n\n", cmp.Or(strings.Join(names, ", "), "Slipway"), prose(string(m.r.Verdict))))
	m.add(prose(summary(m.r)) + ".\n\n")
}

func (m *markdown) gates() {
	if len(m.r.Gates) == 0 {
		return
	}
	m.add(head("Gate", "Outcome", ""))
	for _, g := range m.r.Gates {
		outcome, said := prose(string(g.Outcome)), prose(g.Summary)
		if g.Outcome == finding.Failed || g.Outcome == finding.Unjudged {
			outcome = "**" + outcome + "**"
			if g.Fix != "" {
				said += "<br>Fix: " + prose(g.Fix)
			}
		}
		m.add(row(prose(g.Name), outcome, said))
	}
	m.add("\n")
	for _, g := range m.r.Gates {
		if lines, more := first(g.Detail, maxOutput); len(lines) > 0 && g.Outcome != finding.Passed {
			m.add(details("What "+prose(g.Name)+" printed", preformatted(lines)+left(more, "line")))
		}
	}
}

// left says how many were left out.
func left(n int, what string) string {
	if n <= 0 {
		return ""
	}
	return "and " + plain.Count(n, "more "+what) + "\n\n"
}

func (m *markdown) failing() {
	all := sorted(m.r, finding.Fails)
	if len(all) == 0 {
		return
	}
	m.add("### " + plain.Count(len(all), "finding") + " to mend\n\n")
	m.add(m.table(all, maxFailing, false))
	for _, f := range all[:min(len(all), maxFailing)] {
		item := "- " + link(f.ID, address(f)) + " " + prose(f.What) + "."
		if len(f.Trace) > 0 {
			item += "<br>Called by " + code(strings.Join(f.Trace, " -> ")) + "."
		}
		if f.Fix != "" {
			item += "<br>**Fix:** " + prose(f.Fix)
		}
		m.add(item + "\n")
	}
	m.add("\n" + left(len(all)-maxFailing, "finding"))
}

// table is a table of findings, with what the policy said where that is of interest.
func (m *markdown) table(all []finding.Finding, n int, reasons bool) string {
	titles := []string{"Severity", "Finding", "In", "Installed → fixed", "Reach", "Platforms", "Status"}
	if reasons {
		titles = append(titles, "Why")
	}
	var b strings.Builder
	b.WriteString(head(titles...))
	for _, f := range all[:min(len(all), n)] {
		cells := []string{
			prose(string(f.Severity)), link(f.ID, address(f)), code(where(f)), strings.ReplaceAll(prose(versions(f)), "-&#62;", "→"),
			prose(string(f.Reach)), prose(platforms(m.r, f)), prose(string(f.Status)),
		}
		if reasons {
			cells = append(cells, prose(cmp.Or(f.Reason, f.What)))
		}
		b.WriteString(row(cells...))
	}
	return b.String() + "\n"
}

func (m *markdown) others() {
	const n = 200
	all := sorted(m.r, finding.Noted, finding.Accepted, finding.NotAffected)
	if len(all) > 0 {
		m.add(details(plain.Count(len(all), "finding")+" that "+map[bool]string{true: "stops", false: "stop"}[len(all) == 1]+" nothing", m.table(all, n, true)+left(len(all)-n, "finding")))
	}
}

func (m *markdown) tests() {
	if m.r.Tests == nil {
		return
	}
	if vet, more := first(m.r.Tests.Vet, maxOutput); len(vet) > 0 {
		m.add("### go vet\n\n" + preformatted(vet) + left(more, "line"))
	}
	all := failures(m.r.Tests)
	if len(all) == 0 {
		return
	}
	m.add("### Failing tests\n\n")
	m.outputs(all, "failing test")
}

// flaky is a section of its own: what it lists passed in the end.
func (m *markdown) flaky() {
	if all := flaky(m.r.Tests); len(all) > 0 {
		m.add("### Flaky tests\n\nThey failed, and passed when they were run again.\n\n")
		m.outputs(all, "flaky test")
	}
}

// outputs shows tests with the first of what they printed.
func (m *markdown) outputs(all []failure, what string) {
	for _, f := range all[:min(len(all), maxFailing)] {
		lines, more := first(f.Output, maxOutput/10)
		m.add(details("<code>"+prose(f.named())+"</code>", preformatted(lines)+left(more, "line")))
	}
	m.add(left(len(all)-maxFailing, what))
}
