package reach

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
)

// frame is one function of a trace, with the place of its call of the function before it
// in the trace. The file is relative to the module.
type frame struct {
	Module   string `json:"module"`
	Package  string `json:"package"`
	Function string `json:"function"`
	Receiver string `json:"receiver"`
	Position struct {
		Filename string `json:"filename"`
		Line     int    `json:"line"`
	} `json:"position"`
}

// Bounds of a trace in functions, whose ends say the most, and of a function's name and
// file in bytes: a source names them as it likes.
const (
	maxTrace = 12
	maxName  = 120
)

// readable tells a trace from the program's own function to the vulnerable one.
func readable(trace []frame) []string {
	var lines []string
	for _, f := range slices.Backward(trace) {
		lines = append(lines, f.String())
	}
	if n := len(lines); n > maxTrace {
		const half = maxTrace / 2
		lines = slices.Concat(lines[:half], []string{fmt.Sprintf("... %d more ...", n-2*half)}, lines[n-half:])
	}
	return lines
}

// String is for example http.Server.Serve (src/net/http/server.go:12).
func (f frame) String() string {
	name := f.Function
	if f.Receiver != "" {
		name = strings.TrimPrefix(f.Receiver, "*") + "." + name
	}
	prefix, _, ok := module.SplitPathVersion(f.Package)
	if !ok {
		prefix = f.Package
	}
	line := clean(path.Base(prefix) + "." + name)
	if file := clean(f.Position.Filename); file != "" && f.Position.Line > 0 {
		line += fmt.Sprintf(" (%s:%d)", file, f.Position.Line)
	}
	return line
}

// clean makes one short line of a text that a source wrote.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 4*maxName)], ""))
	if len(text) > maxName {
		text = strings.ToValidUTF8(text[:maxName], "") + "..."
	}
	return text
}
