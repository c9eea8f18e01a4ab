package term

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/slipway/ci/step"
)

// What is printed, and how. This file alone writes.
//
//   - Everything here goes to stderr. Stdout is for what a script reads: the digest.
//   - Words are lower case, clauses have no final stop. No exclamation marks, no
//     emoji, no greetings, no progress bars.
//   - A step is one line: mark, name, duration, result. On a terminal the running
//     ones are at the bottom and are drawn again; a line that was printed stays as
//     it is. In a log a step is one line when it ends, and one when it turns slow,
//     in the form "name  state  duration  result".
//   - "note: " is worth knowing and stops nothing. "error: " ended the run, and is
//     the last thing printed; "fix: " under it says what to do. There is no "warning".
//   - Lines of a tool are shown as the tool wrote them: all of them with --verbose,
//     behind the step's name; those of a failure, indented, under the error.
//   - Steps are cut to the terminal's width, because a wrapped line cannot be drawn
//     again. Notes and errors are folded between words. A fix and a tool's lines are
//     left to the terminal, because they are copied from it.
//   - Colour only repeats what a mark or a word says.
//   - No text from outside is printed before clean has seen it.

const (
	red, green, yellow, faint = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m"
	reset                     = "\x1b[0m"
	wrapOff, wrapOn           = "\x1b[?7l", "\x1b[?7h"
	eraseBelow                = "\x1b[J"
)

const (
	// nameWidth lines the durations up. Longer names push theirs to the right, and
	// are cut at half the terminal, so that the durations stay in sight.
	nameWidth = 20
	// maxLive bounds the running steps that are shown at a time.
	maxLive = 10
)

// state is how a step ended.
type state struct{ word, mark, ascii, color string }

var (
	done    = state{"done", "✓", "+", green}
	cached  = state{"cached", "•", "=", green}
	failed  = state{"failed", "✗", "x", red}
	stopped = state{"stopped", "-", "-", yellow}
)

// screen is what stands below the printed lines and is drawn again.
type screen struct {
	text string
	// widths are those of its lines, in columns.
	widths []int
}

// draw prints text, whole lines that stay, above the running steps. It is one
// write, so that a run that dies leaves no half of it. An error of Out is dropped:
// there is nowhere to tell it, and the run's result does not depend on it.
func (t *Terminal) draw(text string) {
	if !t.o.TTY {
		if text != "" {
			_, _ = io.WriteString(t.o.Out, text)
		}
		return
	}
	columns := t.o.Width()
	next := t.live(columns)
	if text == "" && next.text == t.screen.text {
		return
	}
	_, _ = io.WriteString(t.o.Out, t.screen.erase(columns)+text+next.text)
	t.screen = next
}

// live returns the running steps. A rune may take two columns, so wrapping is off
// while steps are drawn: a line of them always is one row.
func (t *Terminal) live(columns int) screen {
	shown := t.running
	limit := max(1, min(maxLive, t.o.Height()-2))
	if len(shown) > limit {
		shown = shown[:limit-1]
	}
	var lines []string
	now := t.o.Now()
	for _, r := range shown {
		elapsed := max(now.Sub(r.begun), 0)
		mark := `|/-\`[elapsed/interval%4]
		lines = append(lines, t.cut(string(mark)+" "+t.fitted(columns, r.name, elapsed), columns))
	}
	if rest := len(t.running) - len(shown); rest > 0 {
		lines = append(lines, t.cut(fmt.Sprintf("  and %d more", rest), columns))
	}
	if len(lines) == 0 {
		return screen{}
	}
	s := screen{text: wrapOff + strings.Join(lines, "\n") + "\n" + wrapOn}
	for _, line := range lines {
		s.widths = append(s.widths, utf8.RuneCountInString(line))
	}
	return s
}

// erase returns what removes s from a terminal that has this many columns now: one
// that was made narrower has broken the lines anew.
func (s screen) erase(columns int) string {
	rows := 0
	for _, w := range s.widths {
		rows += max(1, (w+columns-1)/columns)
	}
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA%s", rows, eraseBelow)
}

// ended returns the line that stays of a step.
func (t *Terminal) ended(name string, s state, d time.Duration, summary string) string {
	if !t.o.TTY {
		return fields(name, s.word, step.Duration(d), summary)
	}
	mark, word := s.ascii, ""
	if t.o.Unicode {
		mark = s.mark
	}
	if s != done {
		word = s.word
	}
	columns := t.o.Width()
	line := t.fitted(columns, name, d, word, summary)
	return wrapOff + t.paint(s.color, mark) + " " + t.cut(line, columns-2) + "\n" + wrapOn
}

// fitted lines up what is known of a step.
func (t *Terminal) fitted(columns int, name string, d time.Duration, words ...string) string {
	name = t.cut(name, max(nameWidth, columns/2)+1)
	line := fmt.Sprintf("%-*s  %5s", nameWidth, name, step.Duration(d))
	return strings.TrimSuffix(line+"  "+fields(words...), "\n")
}

// fields returns a line of the words that are not empty.
func fields(words ...string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
	return strings.Join(words, "  ") + "\n"
}

// cut leaves the last column free: some terminals wrap as soon as it is written.
func (t *Terminal) cut(s string, columns int) string {
	tail := ".."
	if t.o.Unicode {
		tail = "…"
	}
	return cut(strings.TrimRight(s, " "), columns-1, tail)
}

// toolLines returns what a tool printed in a step.
func (t *Terminal) toolLines(name, text string) string {
	var b strings.Builder
	for _, line := range cleanLines(text) {
		fmt.Fprintf(&b, "%s %s\n", t.paint(faint, name+" |"), line)
	}
	return b.String()
}

// paint colours text, where there are colours.
func (t *Terminal) paint(color, text string) string {
	if !t.o.TTY || !t.o.Color {
		return text
	}
	return color + text + reset
}
