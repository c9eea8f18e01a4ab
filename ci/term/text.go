package term

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText bounds one line of text from outside, in bytes.
const maxText = 4096

var (
	// sequence is an escape sequence as ECMA-48 writes it: a control sequence, such
	// as a colour, or an operating system command, such as a window title.
	sequence = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)
	// command is what a CI system takes for an order anywhere in a log line: ##[...]
	// on GitHub, ##vso[...] on Azure, ##teamcity[...] on TeamCity.
	command = regexp.MustCompile(`##(\w*\[)`)
)

// clean returns text from outside as one line that can do nothing to a terminal or
// to a CI system that reads the log: names and tool output may come from a hostile
// source folder.
func clean(s string) string {
	tail := ""
	if len(s) > maxText {
		s, tail = s[:maxText], "..."
	}
	s = strings.Map(printable, strings.ReplaceAll(sequence.ReplaceAllString(s, ""), "\t", "    "))
	s = strings.TrimRight(command.ReplaceAllString(s, "# #$1"), " ")
	// GitHub reads a line that begins with :: as an order, however far it is indented.
	if rest := strings.TrimLeft(s, " "); strings.HasPrefix(rest, "::") {
		s = s[:len(s)-len(rest)] + ": :" + rest[2:]
	}
	return s + tail
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
	lines, room := []string{""}, first
	for word := range strings.FieldsSeq(line) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last+" "+word) <= room:
			*last += " " + word
		default:
			lines, room = append(lines, word), next
		}
	}
	return lines
}

// Duration writes a duration in seconds: 0.4s, 9.9s, 12s, 125s.
func Duration(d time.Duration) string {
	d = max(d, 0).Round(100 * time.Millisecond)
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%.0fs", d.Seconds())
}
