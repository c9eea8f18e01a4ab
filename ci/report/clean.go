package report

import (
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/plain"
)

// clean returns text from outside as one line of what prints.
func clean(s string) string { return plain.Line(s) }

// first returns the first n lines of what a tool printed, cleaned, and how many more
// there are. Empty lines at the end are left out.
func first(texts []string, n int) (lines []string, more int) {
	for _, text := range texts {
		for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
			if len(lines) < n {
				lines = append(lines, clean(line))
			} else {
				more++
			}
		}
	}
	if more == 0 {
		for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
			lines = lines[:len(lines)-1]
		}
	}
	return lines, more
}

// cut shortens a line to a number of characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n <= 3 {
		return string([]rune(s)[:max(n, 0)])
	}
	return strings.TrimRight(string([]rune(s)[:n-3]), " ") + "..."
}
