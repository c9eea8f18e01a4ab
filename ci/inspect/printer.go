package inspect

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// printer gathers lines.
type printer struct{ b strings.Builder }

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.b, "%s\n", cut(printable(fmt.Sprintf(format, args...)), width))
}

// cut shortens a line to a number of characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-3]) + "..."
}

// table prints rows in columns, indented.
func (p *printer) table(rows [][]string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	w.Flush() //nolint:errcheck // a strings.Builder takes everything
	for line := range strings.Lines(b.String()) {
		p.line("%s", strings.TrimRight(line, " \n"))
	}
}

// wrap prints a sentence under a title, over as many lines as it needs.
func (p *printer) wrap(title, sentence string) {
	for _, line := range fold(strings.Fields(sentence), width-len(title)) {
		p.line("%s%s", title, line)
		title = strings.Repeat(" ", len(title))
	}
}

// fold spreads words over lines of a width.
func fold(words []string, width int) []string {
	var lines []string
	for _, word := range words {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// titled gives the first of some lines a title.
func titled(title string, lines []string) [][]string {
	var rows [][]string
	for _, line := range lines {
		rows = append(rows, []string{title, line})
		title = ""
	}
	return rows
}

// words prints an argument vector so that its words can be told from each other.
func words(list []string) string {
	var quoted []string
	for _, word := range list {
		if word == "" || strings.ContainsAny(word, " \t\n\"'\\") {
			word = fmt.Sprintf("%q", word)
		}
		quoted = append(quoted, word)
	}
	return strings.Join(quoted, " ")
}
