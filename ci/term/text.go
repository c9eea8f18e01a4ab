package term

import (
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/plain"
)

// clean returns text from outside as one line that can do nothing to a terminal or
// to a CI system that reads the log.
func clean(s string) string { return plain.Log(plain.Line(s)) }

// cleanLines splits text into clean lines, without empty ones at its end.
func cleanLines(s string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(s, " \t\r\n"), "\n") {
		lines = append(lines, clean(line))
	}
	return lines
}

// cut shortens s to n columns, counting a rune as one; what was cut off is shown by tail.
func cut(s string, n int, tail string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	keep := n - utf8.RuneCountInString(tail)
	if keep < 1 {
		return string(runes[:max(n, 0)])
	}
	return strings.TrimRight(string(runes[:keep]), " ") + tail
}

// fold breaks a line between words into lines of at most first, then next columns.
// A longer word gets a line of its own.
func fold(line string, first, next int) []string {
	if utf8.RuneCountInString(line) <= first {
		return []string{line} // as it is: its spaces may mean something
	}
	return plain.Fold(line, first, next)
}
