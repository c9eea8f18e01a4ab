package replay

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/plain"
)

// TextOptions say what a terminal can do.
type TextOptions struct {
	// Width is in columns. The default is 100.
	Width int
	// Color allows colours. They only repeat what a word says.
	Color bool
}

const (
	// maxListed bounds what is shown of one list, maxValue one value in bytes. JSON has all.
	maxListed = 20
	maxValue  = 300
)

// Text shows a result on a terminal. What comes from a receipt can do nothing to it.
func (r *Result) Text(w io.Writer, o TextOptions) error {
	t := &text{width: max(cmp.Or(o.Width, 100), 40), color: o.Color}
	color := map[Outcome]string{Reproduced: "\x1b[32m", Otherwise: "\x1b[31m", NotRun: "\x1b[33m"}[r.Outcome]
	t.folded(t.paint(color, string(r.Outcome))+": ", len(r.Outcome)+2, "  ", r.Summary)
	t.row("commit", place(r.Commit, r.Folder))
	t.row("run", r.Command)
	t.row("there", r.There.String())
	t.row("here", r.Here.String())
	t.list("fails in both", r.Both)
	t.list("fails there only", r.OnlyThere)
	if r.brief {
		t.list("fails here", r.OnlyHere)
	} else {
		t.list("fails here only", r.OnlyHere)
	}
	t.differences(r)
	for _, note := range r.Notes {
		t.folded("note: ", 6, "      ", note)
	}
	if r.Fix != "" {
		t.line(t.paint("\x1b[32m", "fix:") + " " + plain.Line(r.Fix))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func place(commit, folder string) string {
	if folder == "." || folder == "" {
		return commit
	}
	return commit + ", folder " + folder
}

// String says a side in a line.
func (s Side) String() string {
	parts := []string{engineName(s.Engine)}
	if s.Version != "" {
		parts[0] += " " + s.Version
	}
	if s.Host != "" {
		parts = append(parts, s.Host)
	}
	switch {
	case s.What != "":
		parts = append(parts, s.What)
	default:
		parts = append(parts, "passed")
	}
	return strings.Join(parts, ", ")
}

type text struct {
	width int
	color bool
	b     strings.Builder
}

// line writes a line that no CI system takes for an order.
func (t *text) line(s string) { t.b.WriteString(plain.Log(s) + "\n") }

// row is a word and what belongs to it.
func (t *text) row(name, value string) {
	t.folded(fmt.Sprintf("  %-8s", name), 10, strings.Repeat(" ", 10), value)
}

func (t *text) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	t.line(title)
	for i, name := range items {
		if i == maxListed {
			t.line(fmt.Sprintf("  and %d more", len(items)-i))
			break
		}
		t.folded("  - ", 4, "    ", name)
	}
}

func (t *text) differences(r *Result) {
	switch {
	case len(r.Differences) > 0 && r.Outcome == Reproduced:
		t.line("although these inputs differ")
	case len(r.Differences) > 0:
		t.line("inputs that differ")
	case r.Outcome == Otherwise:
		t.line("no input differs that is recorded")
	}
	for i, d := range r.Differences {
		if i == maxListed {
			t.line(fmt.Sprintf("  and %d more", len(r.Differences)-i))
			break
		}
		head := d.Input
		if d.Note != "" {
			head += ", " + d.Note
		}
		t.folded("  - ", 4, "    ", head)
		t.value("there", d.There, d.There == "" && d.Note != "")
		t.value("here", d.Here, false)
	}
}

// value is one side of a difference.
func (t *text) value(where, value string, unknown bool) {
	switch {
	case unknown:
		return
	case value == "":
		value = "nothing"
	case len(value) > maxValue:
		value = value[:maxValue] + "..."
	}
	t.folded(fmt.Sprintf("      %-6s", where), 12, strings.Repeat(" ", 12), value)
}

// folded writes a sentence behind a title of so many columns, over as many lines as it needs.
func (t *text) folded(title string, columns int, indent, sentence string) {
	rest := ""
	for word := range strings.FieldsSeq(plain.Line(sentence)) {
		if rest != "" && columns+utf8.RuneCountInString(rest)+1+utf8.RuneCountInString(word) > t.width {
			t.line(title + rest)
			title, columns, rest = indent, len(indent), ""
		}
		rest += word + " "
	}
	t.line(title + strings.TrimSuffix(rest, " "))
}

func (t *text) paint(color, s string) string {
	if !t.color {
		return s
	}
	return color + s + "\x1b[0m"
}
