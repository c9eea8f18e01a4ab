package report

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// maxNotes bounds the notes that are shown again.
const maxNotes = 20

// ending writes what ended the run, where neither a gate nor a registry says it below and
// whoever shows the report does not say it either.
func (t *text) ending(told bool) {
	e := endingOf(t.r, maxDetail)
	if e == nil || told || judgedSo(t.r) {
		return
	}
	t.Line("")
	t.Line(t.Paint(plain.Red, "error") + headed("  ", e.Step))
	t.Folded("  ", e.What)
	for _, line := range e.Lines {
		t.Line("  " + line)
	}
	if e.More > 0 {
		t.Line("  and " + plain.Count(e.More, "more line"))
	}
	t.fix(e.Fix)
}

// flaky writes the tests that failed and then passed.
func (t *text) flaky() {
	t.outputs(t.Paint(plain.Yellow, "flaky"), flaky(t.r.Tests), "flaky test")
}

// outputs writes tests behind a word, with the first of what they printed.
func (t *text) outputs(word string, all []failure, what string) {
	for _, f := range all[:min(len(all), maxFailedTests)] {
		t.Line("")
		t.Line(word + "  " + cut(f.named(), t.Width-7))
		t.indented("  ", f.Output, maxFirstLines)
	}
	if more := len(all) - maxFailedTests; more > 0 {
		t.Line("")
		t.Line("and " + plain.Count(more, "more "+what))
	}
}

// run writes what took long, by what means the run was made, and how to make it again.
func (t *text) run() {
	var list []fact
	if s := sentenceOf(slowest(t.r)); s != "" {
		list = append(list, fact{"slowest", s})
	}
	if names := reused(t.r); len(names) > 0 {
		list = append(list, fact{"cached", strings.Join(names, ", ")})
	}
	if s := means(t.r); s != "" {
		list = append(list, fact{"run", s})
	}
	for _, note := range t.r.Notes[:min(len(t.r.Notes), maxNotes)] {
		list = append(list, fact{"note", note})
	}
	if len(list) > 0 {
		t.Line("")
	}
	for _, f := range list {
		t.Folded(fmt.Sprintf("%-9s", f.Name), f.Value)
	}
	if command := replay(t.r); command != "" && t.r.Verdict != receipt.Passed {
		t.Line("")
		t.Line(replaying)
		t.Line("  " + command)
	}
}

// means are the facts that decide most, in one sentence.
func means(r *receipt.Receipt) string {
	var parts []string
	for _, f := range facts(r) {
		switch f.Name {
		case "Go":
			parts = append(parts, f.Value)
		case "Base", "Engine", "Database", "Took":
			parts = append(parts, strings.ToLower(f.Name)+" "+f.Value)
		}
	}
	return strings.Join(parts, ", ")
}

// sentenceOf names slow steps: test 9.1 s (39.5 %), build linux/arm64 1.9 s (8.2 %).
func sentenceOf(list []slow) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, s.Name+" "+s.Took+" ("+s.Share+")")
	}
	return strings.Join(parts, ", ")
}
