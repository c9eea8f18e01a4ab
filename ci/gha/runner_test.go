package gha_test

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// runner is a model of what the runner of GitHub Actions does with the stream of a step:
// OutputManager.cs, ActionCommandManager.cs and ActionCommand.cs of its source.
type runner struct {
	// hearing makes it hear commands although they were stopped, to see what one line
	// of defence does without the other.
	hearing bool
	token   string
	heard   []heard
	// log are the lines that a person sees.
	log []string
}

// heard is a command that it carried out.
type heard struct {
	name       string
	properties map[string]string
	data       string
}

// known are the commands that it has, and notice and those that plugins have.
var known = []string{
	"stop-commands", "add-mask", "add-matcher", "remove-matcher", "add-path", "set-env", "set-output", "save-state", "set-repo-path", "internal-set-repo-path",
	"debug", "warning", "error", "notice", "group", "endgroup", "echo",
}

// lineEnd is where a StreamReader ends a line.
var lineEnd = regexp.MustCompile(`\r\n|\r|\n`)

func (r *runner) feed(stream string) *runner {
	for _, line := range lineEnd.Split(strings.TrimSuffix(stream, "\n"), -1) {
		r.line(line)
	}
	return r
}

func (r *runner) line(line string) {
	c, is := r.parse(line)
	if !is {
		// It compares as a language does: marks that do not print are nothing to it.
		c, is = r.parse(strings.Map(func(x rune) rune {
			if unicode.In(x, unicode.M, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point) && x != '\t' {
				return -1
			}
			return x
		}, line))
	}
	switch {
	case !is:
		r.log = append(r.log, line)
	case r.token != "" && strings.EqualFold(c.name, r.token):
		r.token = ""
		r.heard = append(r.heard, heard{name: "resume"})
		r.log = append(r.log, "::***::")
	case r.token != "" && !r.hearing:
		r.log = append(r.log, line)
	case strings.EqualFold(c.name, "stop-commands"):
		r.token = c.data
		r.heard = append(r.heard, c)
		r.log = append(r.log, "::stop-commands::***")
	default:
		r.heard = append(r.heard, c)
		switch c.name {
		case "group", "endgroup":
			r.log = append(r.log, "##["+c.name+"]"+c.data)
		case "error", "warning":
			r.log = append(r.log, "##["+c.name+"]"+c.data)
		}
	}
}

func (r *runner) registered(name string) bool {
	return r.token != "" && strings.EqualFold(name, r.token) ||
		slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
}

// parse reads both forms of a command.
func (r *runner) parse(line string) (heard, bool) {
	if rest, is := strings.CutPrefix(strings.TrimLeftFunc(line, func(x rune) bool { return unicode.IsSpace(x) || x == '\ufeff' }), "::"); is {
		if info, data, closed := strings.Cut(rest, "::"); closed {
			if c, is := r.command(strings.Replace(info, " ", "\x00", 1), ",", data, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%"); is {
				c.data = unescape(data, "%0D", "\r", "%0A", "\n", "%25", "%")
				return c, true
			}
		}
	}
	if _, rest, is := strings.Cut(line, "##["); is {
		if info, data, closed := strings.Cut(rest, "]"); closed {
			escapes := []string{"%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%"}
			if c, is := r.command(strings.Replace(info, " ", "\x00", 1), ";", data, escapes...); is {
				c.data = unescape(data, escapes...)
				return c, true
			}
		}
	}
	return heard{}, false
}

func (r *runner) command(info, separator, data string, escapes ...string) (heard, bool) {
	name, properties, _ := strings.Cut(info, "\x00")
	c := heard{name: name, properties: map[string]string{}}
	if !r.registered(name) {
		return c, false
	}
	for pair := range strings.SplitSeq(strings.TrimSpace(properties), separator) {
		if k, v, ok := strings.Cut(pair, "="); ok && k != "" && v != "" {
			c.properties[k] = unescape(v, escapes...)
		}
	}
	return c, true
}

func unescape(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}
