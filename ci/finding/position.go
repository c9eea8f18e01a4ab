package finding

import (
	"regexp"
	"strconv"
	"strings"
)

// Position is a place in a source file.
type Position struct {
	// File is relative, as whoever named it counts.
	File string
	Line int
	// Column is 0 where nobody says it.
	Column int
}

var (
	positioned = regexp.MustCompile(`^([^:/][^:]*):([1-9][0-9]{0,8})(?::([1-9][0-9]{0,8}))?(?::\s*(.*))?$`)
	// frame is the place of a function in a stack.
	frame = regexp.MustCompile(`^\s+(\S+\.go:\d+) \+0x`)
)

// ParsePosition reads a position and the message behind it, which may be empty:
// cmd/server/main.go:12:3: undefined: x.
func ParsePosition(text string) (at Position, message string, ok bool) {
	m := positioned.FindStringSubmatch(strings.TrimPrefix(text, "./"))
	if m == nil {
		return Position{}, "", false
	}
	line, err := strconv.Atoi(m[2])
	if m[3] != "" && err == nil {
		at.Column, err = strconv.Atoi(m[3])
	}
	at.File, at.Line = m[1], line
	return at, m[4], err == nil
}

// FirstFrame is the first place of the source in a stack: without an @, as modules and
// the toolchain have, and below the source folder.
func FirstFrame(lines []string) (Position, bool) {
	for _, line := range lines {
		if m := frame.FindStringSubmatch(line); m != nil && !strings.ContainsAny(m[1], `@\`) && !strings.HasPrefix(m[1], "_testmain.go") {
			if at, _, ok := ParsePosition(m[1]); ok {
				return at, true
			}
		}
	}
	return Position{}, false
}
