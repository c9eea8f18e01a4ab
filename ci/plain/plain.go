// Package plain makes text from outside fit to be shown, in lines that are laid out alike:
// names and tool output may come from a hostile source folder, scanner or registry.
package plain

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds one line, in bytes.
const maxLine = 4096

var (
	// sequence is an escape sequence as ECMA-48 writes it: a control sequence, such
	// as a colour, or an operating system command, such as a window title.
	sequence = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)
	// command is what a CI system takes for an order anywhere in a log line: ##[...]
	// on GitHub, ##vso[...] on Azure, ##teamcity[...] on TeamCity.
	command = regexp.MustCompile(`##(\w*\[)`)
)

// Line returns text as one line of what prints, that can do nothing to a terminal.
func Line(s string) string {
	tail := ""
	if len(s) > maxLine {
		s, tail = s[:maxLine], "..."
	}
	if isPlain(s) {
		return s + tail
	}
	s = strings.ReplaceAll(sequence.ReplaceAllString(s, ""), "\t", "    ")
	return strings.TrimRight(strings.Map(printable, s), " ") + tail
}

// Log returns a line that no CI system takes for an order. GitHub reads one that begins
// with :: as such, however far it is indented.
func Log(line string) string {
	line = command.ReplaceAllString(strings.TrimRight(line, " "), "# #$1")
	if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "::") {
		line = line[:len(line)-len(rest)] + ": :" + rest[2:]
	}
	return line
}

// isPlain tells whether there is nothing to take out: most text is so.
func isPlain(s string) bool {
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

// Count is how many there are of something: 1 line, 2 lines.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
