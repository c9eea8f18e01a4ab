package plain

import (
	"strings"
	"unicode/utf8"
)

// The colours of Paint.
const (
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"
	Faint  = "\x1b[2m"
	reset  = "\x1b[0m"
)

// Text gathers lines for a terminal, or for the log of a CI system.
type Text struct {
	// Width is in columns.
	Width int
	// Color allows colours. They only repeat what a word says.
	Color bool

	lines strings.Builder
}

// String is all lines.
func (t *Text) String() string { return t.lines.String() }

// Line adds a line that no CI system takes for an order.
func (t *Text) Line(s string) { t.lines.WriteString(Log(s) + "\n") }

// Folded adds a sentence behind a title, over as many lines as it needs.
func (t *Text) Folded(title, sentence string) {
	columns := utf8.RuneCountInString(title)
	room := t.Width - columns
	for _, line := range Fold(Line(sentence), room, room) {
		t.Line(title + line)
		title = strings.Repeat(" ", columns)
	}
}

// Paint gives a word a colour, where there are colours.
func (t *Text) Paint(color, s string) string {
	if !t.Color || color == "" || s == "" {
		return s
	}
	return color + s + reset
}

// Fold spreads words over lines of at most first, then next columns. A longer word gets a
// line of its own.
func Fold(sentence string, first, next int) []string {
	var lines []string
	room := first
	for word := range strings.FieldsSeq(sentence) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= room {
			lines[last] += " " + word
			continue
		}
		if last >= 0 {
			room = next
		}
		lines = append(lines, word)
	}
	return lines
}
