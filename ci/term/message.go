package term

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/fault"
)

// maxDetail bounds the lines of a tool under an error.
const maxDetail = 20

// failure returns everything that is said of an error.
func (t *Terminal) failure(err error) string {
	var b strings.Builder
	for _, w := range fault.Tell(err) {
		b.WriteString(t.labelled("error", red, t.folded("error", w.What)) + indented(w.Detail))
		if w.Fix != "" {
			b.WriteString(t.labelled("fix", green, cleanLines(w.Fix)))
		}
	}
	return b.String()
}

// folded returns the lines of a text that follows a label.
func (t *Terminal) folded(label, text string) []string {
	lines := cleanLines(text)
	if !t.o.TTY {
		return lines
	}
	columns := t.o.Width() - 1
	var all []string
	for _, line := range lines {
		room := columns - 2 // further lines are indented
		if len(all) == 0 {
			room = columns - len(label+": ")
		}
		all = append(all, fold(line, room, columns-2)...)
	}
	return all
}

// labelled returns "label: " and a text, whose further lines are indented.
func (t *Terminal) labelled(label, color string, lines []string) string {
	return t.paint(color, label+":") + " " + lines[0] + "\n" + indented(lines[1:])
}

// indented returns the first lines of many, and how many there are more.
func indented(texts []string) string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, cleanLines(text)...)
	}
	var b strings.Builder
	for _, line := range lines[:min(len(lines), maxDetail)] {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
	if rest := len(lines) - maxDetail; rest > 0 {
		fmt.Fprintf(&b, "  and %d more lines\n", rest)
	}
	return b.String()
}
