package verify

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

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
	t := &text{width: max(cmp.Or(o.Width, 100), 40), color: o.Color}
	t.line(t.outcome(r.Verdict) + ": " + plain.Line(r.Reference))
	t.line("  " + plain.Line(r.Digest))
	var sizes []string
	for _, img := range r.Images {
		size := plain.Line(img.Platform.String())
		if img.Compressed > 0 {
			size += " " + step.Size(img.Compressed)
		}
		sizes = append(sizes, size)
	}
	t.folded("  ", strings.Join(sizes, ", "))
	t.line("")
	name, word := 0, 0
	for _, c := range r.Checks {
		name, word = max(name, len(c.Name)), max(word, len(c.Outcome))
	}
	for _, c := range r.Checks {
		t.check(c, name, word)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	width int
	color bool
	b     strings.Builder
}

// line writes a line that no CI system takes for an order.
func (t *text) line(s string) { t.b.WriteString(plain.Log(s) + "\n") }

// check writes one check, whose name and outcome are in columns.
func (t *text) check(c finding.Gate, name, word int) {
	head := fmt.Sprintf("%-*s  %s%*s  ", name, c.Name, t.outcome(c.Outcome), word-len(c.Outcome), "")
	indent := strings.Repeat(" ", name+word+4)
	for i, line := range fold(cmp.Or(plain.Line(c.Summary), "-"), t.width-len(indent)) {
		if i > 0 {
			head = indent
		}
		t.line(head + line)
	}
	for i, line := range c.Detail {
		if i == maxDetail {
			t.line(fmt.Sprintf("%sand %d more", indent, len(c.Detail)-i))
			break
		}
		t.folded(indent+"- ", plain.Line(line))
	}
	if c.Fix != "" {
		t.line(indent + t.paint("\x1b[32m", "fix:") + " " + plain.Line(c.Fix))
	}
}

func (t *text) folded(title, sentence string) {
	for _, line := range fold(sentence, t.width-utf8.RuneCountInString(title)) {
		t.line(title + line)
		title = strings.Repeat(" ", utf8.RuneCountInString(title))
	}
}

func (t *text) outcome(o finding.Outcome) string {
	return t.paint(map[finding.Outcome]string{finding.Passed: "\x1b[32m", finding.Failed: "\x1b[31m", finding.Unjudged: "\x1b[33m", finding.Skipped: "\x1b[2m"}[o], string(o))
}

func (t *text) paint(color, s string) string {
	if !t.color || color == "" {
		return s
	}
	return color + s + "\x1b[0m"
}

// fold spreads words over lines of a width.
func fold(sentence string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(sentence) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
