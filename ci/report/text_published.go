package report

import (
	"fmt"
	"unicode/utf8"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// published writes a block for each repository: what it has now, or why it has not.
func (t *text) published() {
	all := publications(t.r)
	for _, p := range all[:min(len(all), maxPublications)] {
		t.Line("")
		t.publication(p)
	}
	if more := len(all) - maxPublications; more > 0 {
		t.Line("")
		t.Line("and " + plain.Count(more, "more publication"))
	}
}

func (t *text) publication(p receipt.Publication) {
	color := map[receipt.PublicationState]string{receipt.Published: plain.Green, receipt.Unchanged: plain.Green, receipt.Incomplete: plain.Red, receipt.Planned: plain.Faint}[p.State]
	word := clean(string(p.State))
	if command := pull(p); command != "" {
		t.Line(t.Paint(color, word) + "  " + cut(clean(p.Repository), max(t.Width-len(word)-2, 80)))
		t.Line("  " + command) // as a whole, because it is copied
	} else {
		t.named(t.Paint(color, word)+"  ", p, t.Width-len(word)-2)
	}
	switch p.State {
	case receipt.Incomplete:
		t.Folded("  ", unfinished(p))
		t.fix(p.Fix)
	case receipt.Planned:
		t.Folded("  ", dryRun)
	}
	facts, width := published(t.r, p), 0
	for _, f := range facts {
		width = max(width, utf8.RuneCountInString(f.Name))
	}
	for _, f := range facts {
		t.Folded(fmt.Sprintf("  %-*s  ", width, f.Name), f.Value)
	}
	if p.State == receipt.Incomplete {
		t.Folded("  ", again)
	}
}

// named writes a reference behind a word: as a whole where there is room for it, else
// with the beginning of its digest, all of which is in the lines of the images.
func (t *text) named(word string, p receipt.Publication, width int) {
	brief := clean(p.Repository) + "@" + short(p.Digest)
	switch whole := reference(p); {
	case p.Digest == "" || utf8.RuneCountInString(whole) <= width:
		t.Line(word + cut(whole, width))
	case utf8.RuneCountInString(brief) <= width:
		t.Line(word + brief)
	default:
		t.Line(word + cut(clean(p.Repository), max(width, 80))) // its end tells it from others
		t.Line("  " + cut(clean(p.Digest), t.Width-2))
	}
}
