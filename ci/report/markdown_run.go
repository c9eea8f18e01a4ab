package report

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/step"
)

// ending is what a person looks for first: what failed, and what to do.
func (m *markdown) ending() {
	e := endingOf(m.r, maxDetail)
	if e == nil {
		return
	}
	block := "**" + prose(sentences(e.What)) + "**"
	if e.Step != "" {
		block += "<br>Step: " + code(e.Step)
	}
	if e.Blamed != "" {
		block += "<br>What failed: " + prose(e.Blamed)
	}
	if e.Fix != "" {
		block += "<br>**Fix:** " + prose(e.Fix)
	}
	m.add(block + "\n\n")
	if len(e.Lines) > 0 {
		m.add(preformatted(e.Lines) + left(e.More, "line"))
	}
}

// images are the sizes of what was built, and by how much it grew.
func (m *markdown) images() {
	for _, img := range m.r.Images {
		if img.Digest == "" {
			continue // the run ended before it
		}
		m.add("### " + prose(img.Name) + "\n\n" + code(img.Digest) + "\n\n")
		if img.Inspection == nil {
			continue
		}
		change := "Change"
		if len(img.Growth) > 0 {
			change += " since " + prose(since(img))
		}
		m.add(head("Platform", "Size", change, "Budget", "Digest"))
		for _, one := range img.Inspection.Images {
			by, used := "", ""
			if g, ok := growth(img, one); ok {
				by = grew(g.Total)
			}
			if budget := m.r.Run.Plan.Budget; budget > 0 {
				used = fmt.Sprintf("%.0f %% of %s", 100*float64(one.Compressed)/float64(budget), step.Size(budget))
			}
			m.add(row(prose(one.Platform.String()), step.Size(one.Compressed), by, used, code(one.Digest)))
		}
		m.add("\n")
	}
}

// steps are those that took longest, and what was there already.
func (m *markdown) steps() {
	var rows []string
	for _, s := range slowest(m.r) {
		rows = append(rows, row(prose(s.Name), s.Took, s.Share, prose(s.Outcome)))
	}
	m.rows(rows, "Slowest steps", "Took", "Of the run", "Outcome")
	if names := reused(m.r); len(names) > 0 {
		m.add("Cached: " + prose(strings.Join(names, ", ")) + ".\n\n")
	}
}

// run says by what means, and what the run noted.
func (m *markdown) run() {
	var b strings.Builder
	if list := facts(m.r); len(list) > 0 {
		b.WriteString(head("", ""))
		for _, fact := range list {
			b.WriteString(row(prose(fact.Name), prose(fact.Value)))
		}
		b.WriteString("\n")
	}
	for _, note := range m.r.Notes[:min(len(m.r.Notes), maxOutput)] {
		b.WriteString("- " + prose(note) + "\n")
	}
	if b.Len() > 0 {
		m.add(details("The run", b.String()))
	}
}

// fenced are commands to copy, which are made of nothing that ends a fence.
func fenced(commands ...string) string {
	return "```sh\n" + strings.Join(commands, "\n") + "\n```\n\n"
}
