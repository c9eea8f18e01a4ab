package verify

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/step"
)

// TextOptions say what a terminal can do.
type TextOptions struct {
	// Width is in columns. The default is 100. A fix is not folded, because it is copied.
	Width int
	// Color allows colours. They only repeat what a word says.
	Color bool
}

// maxDetail bounds the lines that are shown of one check.
const maxDetail = 20

// Text shows a report on a terminal. What comes from a registry can do nothing to it.
func (r *Report) Text(w io.Writer, o TextOptions) error {
	t := &text{plain.Text{Width: max(cmp.Or(o.Width, 100), 40), Color: o.Color}}
	t.Line(t.outcome(r.Verdict) + ": " + plain.Line(r.Reference))
	t.Line("  " + plain.Line(r.Digest))
	var sizes []string
	for _, img := range r.Images {
		size := plain.Line(img.Platform.String())
		if img.Compressed > 0 {
			size += " " + step.Size(img.Compressed)
		}
		sizes = append(sizes, size)
	}
	t.Folded("  ", strings.Join(sizes, ", "))
	t.Line("")
	name, word := 0, 0
	for _, c := range r.Checks {
		name, word = max(name, len(c.Name)), max(word, len(c.Outcome))
	}
	for _, c := range r.Checks {
		t.check(c, name, word)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

type text struct{ plain.Text }

// check writes one check, whose name and outcome are in columns.
func (t *text) check(c finding.Gate, name, word int) {
	head := fmt.Sprintf("%-*s  %s%*s  ", name, c.Name, t.outcome(c.Outcome), word-len(c.Outcome), "")
	indent := strings.Repeat(" ", name+word+4)
	room := t.Width - len(indent)
	for i, line := range plain.Fold(cmp.Or(plain.Line(c.Summary), "-"), room, room) {
		if i > 0 {
			head = indent
		}
		t.Line(head + line)
	}
	for i, line := range c.Detail {
		if i == maxDetail {
			t.Line(fmt.Sprintf("%sand %d more", indent, len(c.Detail)-i))
			break
		}
		t.Folded(indent+"- ", line)
	}
	if c.Fix != "" {
		t.Line(indent + t.Paint(plain.Green, "fix:") + " " + plain.Line(c.Fix))
	}
}

func (t *text) outcome(o finding.Outcome) string {
	return t.Paint(map[finding.Outcome]string{finding.Passed: plain.Green, finding.Failed: plain.Red, finding.Unjudged: plain.Yellow, finding.Skipped: plain.Faint}[o], string(o))
}
