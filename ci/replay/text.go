package replay

import (
	"cmp"
	"fmt"
	"io"
	"strings"

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
	t := &text{plain.Text{Width: max(cmp.Or(o.Width, 100), 40) - 1, Color: o.Color}} // the last column stays free
	color := map[Outcome]string{Otherwise: plain.Red, NotRun: plain.Yellow}[r.Outcome]
	if r.Outcome.good() {
		color = plain.Green
	}
	head := t.Paint(color, string(r.Outcome)) + ": "
	for _, line := range plain.Fold(plain.Line(r.Summary), t.Width-len(r.Outcome)-2, t.Width-2) {
		t.Line(head + line)
		head = "  "
	}
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
		t.Folded("note: ", note)
	}
	if r.Fix != "" {
		t.Line(t.Paint(plain.Green, "fix:") + " " + plain.Line(r.Fix))
	}
	_, err := io.WriteString(w, t.String())
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

type text struct{ plain.Text }

// row is a word and what belongs to it.
func (t *text) row(name, value string) {
	title := fmt.Sprintf("  %-8s", name)
	if value == "" {
		t.Line(title)
	}
	t.Folded(title, value)
}

func (t *text) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	t.Line(title)
	for i, name := range items {
		if i == maxListed {
			t.Line(fmt.Sprintf("  and %d more", len(items)-i))
			break
		}
		t.Folded("  - ", name)
	}
}

func (t *text) differences(r *Result) {
	switch {
	case len(r.Differences) > 0 && r.Outcome.good():
		t.Line("although these inputs differ")
	case len(r.Differences) > 0:
		t.Line("inputs that differ")
	case r.Outcome == Otherwise:
		t.Line("no input differs that is recorded")
	}
	for i, d := range r.Differences {
		if i == maxListed {
			t.Line(fmt.Sprintf("  and %d more", len(r.Differences)-i))
			break
		}
		head := d.Input
		if d.Note != "" {
			head += ", " + d.Note
		}
		t.Folded("  - ", head)
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
	t.Folded(fmt.Sprintf("      %-6s", where), value)
}
