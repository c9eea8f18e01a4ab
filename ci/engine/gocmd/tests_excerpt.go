package gocmd

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxLine bounds one line in bytes.
	maxLine = 4 << 10
	// firstLines and lastLines are how many are kept of one test: an error stands
	// anywhere, the reason of a panic above its stacks.
	firstLines, lastLines = 60, 40
)

// excerpt is the first and the last lines of a text that comes in pieces.
type excerpt struct {
	open        []byte
	first, last []string
	left        int
}

// lines are what is kept.
func (e *excerpt) lines() []string {
	list := append([]string(nil), e.first...)
	if e.left > 0 {
		list = append(list, fmt.Sprintf("... %d lines are left out ...", e.left))
	}
	return append(list, e.last...)
}

// print adds text to an excerpt and says each line that it completes.
func (r *Results) print(e *excerpt, text string) {
	for part := range strings.Lines(text) {
		line, ended := strings.CutSuffix(part, "\n")
		e.open = append(e.open, line[:min(len(line), maxLine-len(e.open))]...)
		if ended {
			r.flush(e)
		}
	}
}

// flush ends a line that nobody ended.
func (r *Results) flush(e *excerpt) {
	line := r.clean(string(e.open))
	if e.open = e.open[:0]; line == "" {
		return
	}
	r.say(line)
	r.keep(e, line)
}

// keep adds a line as long as there is room.
func (r *Results) keep(e *excerpt, line string) {
	if r.kept+len(line) > maxKept {
		e.left++
		return
	}
	r.kept += len(line)
	if len(e.first) < firstLines {
		e.first = append(e.first, line)
		return
	}
	if e.last = append(e.last, line); len(e.last) > lastLines {
		r.kept -= len(e.last[0])
		e.last, e.left = e.last[1:], e.left+1
	}
}

// drop forgets an excerpt and gives its room back.
func (r *Results) drop(e *excerpt) {
	for _, line := range append(e.first, e.last...) {
		r.kept -= len(line)
	}
	*e = excerpt{}
}

func (r *Results) say(line string) {
	if r.Log != nil && line != "" {
		r.Log(line)
	}
}

// sequence is a control sequence such as a colour, as ECMA-48 writes it.
var sequence = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`)

// clean makes a line that any report can hold: it comes from a program that prints
// what it likes.
func (r *Results) clean(line string) string {
	line = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\t' {
			return -1
		}
		return c
	}, sequence.ReplaceAllString(strings.ToValidUTF8(line, "\uFFFD"), ""))
	if line = redact(strings.TrimRightFunc(line, unicode.IsSpace)); r.Shorten != nil {
		line = r.Shorten(line)
	}
	return line
}

// summarises tells a line that has a package's outcome and time in it.
func summarises(line, pkg string) bool {
	word, rest, _ := strings.Cut(line, "\t")
	name, _, _ := strings.Cut(rest, "\t")
	name, _, _ = strings.Cut(name, " ")
	return name == pkg && slices.Contains([]string{"ok", "FAIL", "?"}, strings.TrimSpace(word))
}

// frames tells a line that the testing package prints around a test.
func frames(line, test string) bool {
	line = strings.TrimLeft(line, " ")
	for _, word := range []string{"=== RUN   ", "=== PAUSE ", "=== CONT  ", "=== NAME  ", "--- PASS: ", "--- FAIL: ", "--- SKIP: "} {
		if rest, ok := strings.CutPrefix(line, word); ok {
			rest, ok = strings.CutPrefix(rest, test)
			return ok && (rest == "\n" || strings.HasPrefix(rest, " ("))
		}
	}
	return false
}
