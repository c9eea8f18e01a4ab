package report

import (
	"fmt"
	"unicode/utf8"

	"example.com/slipway/ci/receipt"
)

// published writes a block for each repository: what it has now, or why it has not.
func (t *text) published() {
	all := publications(t.r)
	for _, p := range all[:min(len(all), maxPublications)] {
		t.line("")
		t.publication(p)
	}
	if more := len(all) - maxPublications; more > 0 {
		t.line("")
		t.line("and " + count(more, "more publication"))
	}
}

func (t *text) publication(p receipt.Publication) {
	color := map[receipt.PublicationState]string{receipt.Published: green, receipt.Unchanged: green, receipt.Incomplete: red, receipt.Planned: faint}[p.State]
	word := clean(string(p.State))
	if command := pull(p); command != "" {
		t.line(t.paint(color, word) + "  " + cut(clean(p.Repository), max(t.width-len(word)-2, 80)))
		t.line("  " + command) // as a whole, because it is copied
	} else {
		t.named(t.paint(color, word)+"  ", p, t.width-len(word)-2)
	}
	switch p.State {
	case receipt.Incomplete:
		t.folded("  ", unfinished(p))
		t.fix(p.Fix)
	case receipt.Planned:
		t.folded("  ", dryRun)
	}
	facts, width := published(t.r, p), 0
	for _, f := range facts {
		width = max(width, utf8.RuneCountInString(f.Name))
	}
	for _, f := range facts {
		t.folded(fmt.Sprintf("  %-*s  ", width, f.Name), f.Value)
	}
	if p.State == receipt.Incomplete {
		t.folded("  ", again)
	}
}

// named writes a reference behind a word: as a whole where there is room for it, else
// with the beginning of its digest, all of which is in the lines of the images.
func (t *text) named(word string, p receipt.Publication, width int) {
	brief := clean(p.Repository) + "@" + short(p.Digest)
	switch whole := reference(p); {
	case p.Digest == "" || utf8.RuneCountInString(whole) <= width:
		t.line(word + cut(whole, width))
	case utf8.RuneCountInString(brief) <= width:
		t.line(word + brief)
	default:
		t.line(word + cut(clean(p.Repository), max(width, 80))) // its end tells it from others
		t.line("  " + cut(clean(p.Digest), t.width-2))
	}
}
