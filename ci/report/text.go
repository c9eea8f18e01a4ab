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
	t := &text{r, plain.Text{Width: max(cmp.Or(o.Width, 100), 20), Color: o.Color}}
	t.verdict()
	t.ending(o.Told)
	t.published()
	t.gates()
	t.failing()
	t.tests()
	t.flaky()
	t.others()
	t.run()
	_, err := io.WriteString(w, t.String())
	return err
}

// text gathers the lines.
type text struct {
	r *receipt.Receipt
	plain.Text
}

// fix writes what to do in one line, because it is copied.
func (t *text) fix(fix string) {
	if fix = clean(fix); fix != "" {
		t.Line("  " + t.Paint(plain.Green, "fix:") + " " + fix)
	}
}

func (t *text) verdict() {
	color := map[receipt.Verdict]string{receipt.Passed: plain.Green, receipt.Failed: plain.Red, receipt.Unjudged: plain.Yellow, receipt.Unpublished: plain.Red, receipt.Stopped: plain.Red}[t.r.Verdict]
	verdict := clean(string(t.r.Verdict))
	room := t.Width - len(verdict) - 2
	lines := plain.Fold(summary(t.r), room, room)
	t.Line(t.Paint(color, verdict) + ": " + lines[0])
	for _, line := range lines[1:] {
		t.Line("  " + line)
	}
	for _, img := range t.r.Images {
		if img.Digest == "" {
			continue // the run ended before it
		}
		t.Line("  " + cut(clean(img.Name)+"  "+clean(img.Digest), t.Width-2))
		if s := sizes(img); s != "" {
			t.Folded("  ", s)
		}
	}
}

func (t *text) gates() {
	if len(t.r.Gates) == 0 {
		return
	}
	t.Line("")
	name, outcome := 0, 0
	for _, g := range t.r.Gates {
		name, outcome = max(name, utf8.RuneCountInString(cut(clean(g.Name), 24))), max(outcome, len(g.Outcome))
	}
	for _, g := range t.r.Gates {
		t.gate(g, name, outcome)
	}
}

func (t *text) gate(g finding.Gate, name, outcome int) {
	color := map[finding.Outcome]string{finding.Passed: plain.Green, finding.Failed: plain.Red, finding.Unjudged: plain.Yellow, finding.Skipped: plain.Faint}[g.Outcome]
	word := clean(string(g.Outcome))
	head := fmt.Sprintf("%-*s  %s%*s  ", name, cut(clean(g.Name), 24), t.Paint(color, word), outcome-len(word), "")
	indent := strings.Repeat(" ", name+outcome+4)
	room := max(t.Width-len(indent), 20)
	lines := plain.Fold(clean(g.Summary), room, room)
	if len(lines) == 0 {
		lines = []string{""}
	}
	t.Line(head + lines[0])
	for _, line := range lines[1:] {
		t.Line(indent + line)
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
		t.Line(indent + line)
	}
	if more > 0 {
		t.Line(fmt.Sprintf("%sand %s", indent, plain.Count(more, "more line")))
	}
}

func (t *text) tests() {
	if t.r.Tests == nil {
		return
	}
	if len(t.r.Tests.Vet) > 0 {
		t.Line("")
		t.Line(t.Paint(plain.Red, "go vet"))
		t.indented("  ", t.r.Tests.Vet, maxDetail)
	}
	t.outputs(t.Paint(plain.Red, "fail"), failures(t.r.Tests), "failing test")
}
