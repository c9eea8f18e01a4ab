package term

import (
	"errors"
	"fmt"
	"strings"

	"example.com/slipway/ci/fault"
)

// maxDetail bounds the lines of a tool under an error.
const maxDetail = 20

// failure returns everything that is said of an error.
func (t *Terminal) failure(err error) string {
	if all := joined(err); len(all) > 0 {
		var b strings.Builder
		for _, e := range all {
			b.WriteString(t.failure(e))
		}
		return b.String()
	}
	what, fix, detail := err.Error(), "", []string(nil)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		// What was put before the fault when it was wrapped is kept.
		if before, ok := strings.CutSuffix(what, f.Error()); ok {
			what = before + f.What
		}
		fix, detail = f.Fix, f.Detail
	}
	if fix == "" && fault.KindOf(err) == fault.Bug {
		fix = "this is a bug of Slipway, please report it with this output and that of slipway version"
	}
	text := t.labelled("error", red, t.folded("error", what)) + indented(detail)
	if fix != "" {
		text += t.labelled("fix", green, cleanLines(fix))
	}
	return text
}

// joined returns the errors that errors.Join put together, or nothing.
func joined(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var texts []string
	for _, e := range many.Unwrap() {
		texts = append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() {
		return nil // fmt.Errorf with several %w: one sentence
	}
	return many.Unwrap()
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
