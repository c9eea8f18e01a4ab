package actions

import (
	"maps"
	"strings"
	"unicode"
)

// Command is an order in a log line, as the runner reads it.
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
type Command struct {
	Name       string
	Properties map[string]string
	Data       string
}

// stopCommand is the order after which the runner reads no others.
const stopCommand = "stop-commands"

// registered are the orders that the runner knows. It takes anything else for text.
var registered = []string{
	stopCommand, "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice",
	"remove-matcher", "save-state", "set-env", "set-output", "warning",
}

// The escapes of each form, in the order in which the runner takes them back.
var (
	dataEscapes     = []string{"%0D", "\r", "%0A", "\n", "%25", "%"}
	propertyEscapes = []string{"%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%"}
	oldEscapes      = []string{"%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%"}
)

// ParseCommand finds an order of one of the names in a line of a log.
func ParseCommand(line string, names []string) (Command, bool) {
	if c, ok := parseCommand(line, names); ok {
		return c, true
	}
	if c, ok := parseOldCommand(line, names); ok {
		return c, true
	}
	return Command{}, false
}

// parseCommand reads ::name key=value,key=value::data, which begins the line.
func parseCommand(line string, names []string) (Command, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::")
	if !ok {
		return Command{}, false
	}
	head, data, ok := strings.Cut(rest, "::")
	if !ok {
		return Command{}, false
	}
	name, properties, _ := strings.Cut(head, " ")
	return Command{
		Name:       strings.ToLower(name),
		Properties: parseProperties(strings.TrimSpace(properties), ",", propertyEscapes),
		Data:       unescape(data, dataEscapes),
	}, known(names, name)
}

// parseOldCommand reads ##[name key=value;key=value]data, which may stand anywhere.
func parseOldCommand(line string, names []string) (Command, bool) {
	_, rest, ok := strings.Cut(line, "##[")
	if !ok {
		return Command{}, false
	}
	head, data, ok := strings.Cut(rest, "]")
	if !ok {
		return Command{}, false
	}
	name, properties, _ := strings.Cut(head, " ")
	return Command{
		Name:       strings.ToLower(name),
		Properties: parseProperties(properties, ";", oldEscapes),
		Data:       unescape(data, oldEscapes),
	}, known(names, name)
}

// parseProperties leaves out what has no name or no value, as the runner does.
func parseProperties(text, separator string, escapes []string) map[string]string {
	all := map[string]string{}
	for one := range strings.SplitSeq(text, separator) {
		// The runner splits without empty fields, so that a==b is as a=b.
		one = strings.TrimLeft(one, "=")
		key, value, _ := strings.Cut(one, "=")
		if value = strings.TrimLeft(value, "="); value != "" {
			all[strings.ToLower(key)] = unescape(value, escapes)
		}
	}
	return all
}

func unescape(text string, escapes []string) string {
	for i := 0; i < len(escapes); i += 2 {
		text = strings.ReplaceAll(text, escapes[i], escapes[i+1])
	}
	return text
}

func known(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// Annotation is a remark that the runner shows beside a line of a file.
type Annotation struct {
	Level, Message    string
	Title, File       string
	Line, EndLine     string
	Column, EndColumn string
}

// annotate reads an annotation out of an order. The runner fills or drops what of a
// range is missing.
func annotate(c Command) Annotation {
	p := maps.Clone(c.Properties)
	if p["line"] == "" {
		p["line"] = p["endline"]
	}
	if p["col"] == "" {
		p["col"] = p["endcolumn"]
	}
	severalLines := p["endline"] != "" && p["endline"] != p["line"]
	if p["line"] == "" || severalLines {
		p["col"], p["endcolumn"] = "", ""
	}
	return Annotation{
		Level: c.Name, Message: c.Data, Title: p["title"], File: p["file"],
		Line: p["line"], EndLine: p["endline"], Column: p["col"], EndColumn: p["endcolumn"],
	}
}
