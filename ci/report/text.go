package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// TextOptions say what a terminal can do.
type TextOptions struct {
	// Width is in columns. The default is 100. What is copied from a terminal, as a
	// fix, is not folded.
	Width int
	// Color allows colours. They only repeat what a word says.
	Color bool
	// Told says that whoever shows the report tells by itself what ended the run.
	Told bool
}

// Bounds on what is shown of one run. The other forms have all of it.
const (
	maxFailing     = 50
	maxOthers      = 10
	maxFailedTests = 10
	maxFirstLines  = 10
	maxDetail      = 20
)

// Text shows a receipt on a terminal, or in the log of a CI system.
func Text(w io.Writer, r *receipt.Receipt, o TextOptions) error {
	t := &text{r: r, width: max(cmp.Or(o.Width, 100), 20), color: o.Color}
	t.verdict()
	t.ending(o.Told)
	t.published()
	t.gates()
	t.failing()
	t.tests()
	t.flaky()
	t.others()
	t.run()
	_, err := io.WriteString(w, t.b.String())
	return err
}

// text gathers the lines.
type text struct {
	r     *receipt.Receipt
	width int
	color bool
	b     strings.Builder
}

// line writes a line that no CI system takes for an order.
func (t *text) line(s string) { t.b.WriteString(plain.Log(s) + "\n") }

// folded writes a sentence behind a title, over as many lines as it needs.
func (t *text) folded(title, sentence string) {
	for _, line := range fold(clean(sentence), t.width-utf8.RuneCountInString(title)) {
		t.line(title + line)
		title = strings.Repeat(" ", utf8.RuneCountInString(title))
	}
}

// fix writes what to do in one line, because it is copied.
func (t *text) fix(fix string) {
	if fix = clean(fix); fix != "" {
		t.line("  " + t.paint(green, "fix:") + " " + fix)
	}
}

const (
	red, green, yellow, faint = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m"
	reset                     = "\x1b[0m"
)

func (t *text) paint(color, s string) string {
	if !t.color || s == "" {
		return s
	}
	return color + s + reset
}

func (t *text) verdict() {
	color := map[receipt.Verdict]string{receipt.Passed: green, receipt.Failed: red, receipt.Unjudged: yellow, receipt.Unpublished: red, receipt.Stopped: red}[t.r.Verdict]
	verdict := clean(string(t.r.Verdict))
	lines := fold(summary(t.r), t.width-len(verdict)-2)
	t.line(t.paint(color, verdict) + ": " + lines[0])
	for _, line := range lines[1:] {
		t.line("  " + line)
	}
	for _, img := range t.r.Images {
		if img.Digest == "" {
			continue // the run ended before it
		}
		t.line("  " + cut(clean(img.Name)+"  "+clean(img.Digest), t.width-2))
		if s := sizes(img); s != "" {
			t.folded("  ", s)
		}
	}
}

func (t *text) gates() {
	if len(t.r.Gates) == 0 {
		return
	}
	t.line("")
	name, outcome := 0, 0
	for _, g := range t.r.Gates {
		name, outcome = max(name, utf8.RuneCountInString(cut(clean(g.Name), 24))), max(outcome, len(g.Outcome))
	}
	for _, g := range t.r.Gates {
		t.gate(g, name, outcome)
	}
}

func (t *text) gate(g finding.Gate, name, outcome int) {
	color := map[finding.Outcome]string{finding.Passed: green, finding.Failed: red, finding.Unjudged: yellow, finding.Skipped: faint}[g.Outcome]
	word := clean(string(g.Outcome))
	head := fmt.Sprintf("%-*s  %s%*s  ", name, cut(clean(g.Name), 24), t.paint(color, word), outcome-len(word), "")
	indent := strings.Repeat(" ", name+outcome+4)
	lines := fold(clean(g.Summary), max(t.width-len(indent), 20))
	if len(lines) == 0 {
		lines = []string{""}
	}
	t.line(head + lines[0])
	for _, line := range lines[1:] {
		t.line(indent + line)
	}
	if g.Outcome == finding.Passed || g.Outcome == finding.Skipped {
		return
	}
	if t.shown(g) {
		return
	}
	t.indented("  ", g.Detail, maxDetail)
	t.fix(g.Fix)
}

// shown tells whether what a gate found comes below, with what to do.
func (t *text) shown(g finding.Gate) bool {
	return g.Name == finding.GateTests && len(failures(t.r.Tests)) > 0 ||
		slices.ContainsFunc(t.r.Findings, func(f finding.Finding) bool { return f.Gate == g.Name && f.Status == finding.Fails })
}

// indented writes the first lines of what a tool printed.
func (t *text) indented(indent string, lines []string, n int) {
	shown, more := first(lines, n)
	for _, line := range shown {
		t.line(indent + line)
	}
	if more > 0 {
		t.line(fmt.Sprintf("%sand %s", indent, count(more, "more line")))
	}
}

func (t *text) tests() {
	if t.r.Tests == nil {
		return
	}
	if len(t.r.Tests.Vet) > 0 {
		t.line("")
		t.line(t.paint(red, "go vet"))
		t.indented("  ", t.r.Tests.Vet, maxDetail)
	}
	t.outputs(t.paint(red, "fail"), failures(t.r.Tests), "failing test")
}
