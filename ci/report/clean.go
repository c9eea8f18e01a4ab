package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds one line of text from outside, in bytes.
const maxLine = 4096

// sequence is an escape sequence as ECMA-48 writes it: a control sequence, such as a
// colour, or an operating system command, such as a window title.
var sequence = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)

// clean returns text from outside as one line of what prints.
func clean(s string) string {
	tail := ""
	if len(s) > maxLine {
		s, tail = s[:maxLine], "..."
	}
	if plain(s) {
		return s + tail
	}
	s = strings.ReplaceAll(sequence.ReplaceAllString(s, ""), "\t", "    ")
	return strings.TrimRight(strings.Map(printable, s), " ") + tail
}

// plain tells whether there is nothing to clean: most text is so.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return !strings.HasSuffix(s, " ")
}

// printable drops what does not print, among it every control character, the marks
// that turn the direction of writing, and bytes that are not UTF-8.
func printable(r rune) rune {
	switch {
	case r == utf8.RuneError:
		return -1
	case unicode.IsPrint(r):
		return r
	case r == '\n', unicode.Is(unicode.Zs, r):
		return ' '
	}
	return -1
}

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

// fold spreads words over lines of a width. A longer word gets a line of its own.
func fold(sentence string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(sentence) {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1])+1+utf8.RuneCountInString(word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
