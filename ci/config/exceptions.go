package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/slipway/ci/plan"
)

// maxWords bounds what an exception says in words, in bytes: it is shown beside the
// finding in every report.
const maxWords = 500

// findingForm is what a vulnerability or a rule is called: CVE-2026-78667, user-root.
var findingForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$`)

// misplaced is an error inside a value, with its own line.
type misplaced struct {
	node *yaml.Node
	what string
}

func (m *misplaced) Error() string { return m.what }

func wrongAt(node *yaml.Node, format string, args ...any) error {
	return &misplaced{node: node, what: fmt.Sprintf(format, args...)}
}

// exceptionField is one key of an exception.
type exceptionField struct {
	name, help string
	optional   bool
	field      func(*plan.Exception) *string
	// right tells whether a value is one, and want says what is.
	right func(string) bool
	want  string
}

func exceptionFields() []exceptionField {
	words := func(text string) bool { return len(text) <= maxWords && !control.MatchString(text) }
	date := func(text string) bool { _, err := time.Parse(time.DateOnly, text); return err == nil }
	return []exceptionField{
		{name: "id", help: "name of the vulnerability or the rule, such as CVE-2026-78667", field: func(e *plan.Exception) *string { return &e.ID }, right: findingForm.MatchString, want: "such as CVE-2026-78667 or user-root"},
		{name: "package", help: "module or package that it holds for, where not for all", optional: true, field: func(e *plan.Exception) *string { return &e.Package }, right: words, want: "of at most 500 letters"},
		{name: "reason", help: "why the finding is accepted", field: func(e *plan.Exception) *string { return &e.Reason }, right: words, want: "of at most 500 letters"},
		{name: "owner", help: "who accepts it", field: func(e *plan.Exception) *string { return &e.Owner }, right: words, want: "of at most 500 letters"},
		{name: "expires", help: "first day, in UTC, on which it does not hold any more, such as 2026-12-31", field: func(e *plan.Exception) *string { return &e.Expires }, right: date, want: "such as 2026-12-31"},
	}
}

// decodeExceptions reads the list of exceptions. Errors have the line of the exception
// or of the field that is wrong.
func decodeExceptions(list *yaml.Node, into *[]plan.Exception) error {
	if list.Kind != yaml.SequenceNode {
		return wrongAt(list, "want a list of exceptions")
	}
	*into = nil
	for _, node := range list.Content {
		e, err := decodeException(node)
		if err != nil {
			return err
		}
		twice := slices.IndexFunc(*into, func(other plan.Exception) bool { return other.ID == e.ID && other.Package == e.Package })
		if twice >= 0 {
			return wrongAt(node, "%s is there twice, first at %s", e.ID, (*into)[twice].Origin)
		}
		*into = append(*into, e)
	}
	return nil
}

func decodeException(node *yaml.Node) (plan.Exception, error) {
	e := plan.Exception{Origin: fmt.Sprintf("%s:%d", FileName, node.Line)}
	if node.Kind != yaml.MappingNode {
		return e, wrongAt(node, "want each exception as names with values")
	}
	fields := exceptionFields()
	said := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		at := slices.IndexFunc(fields, func(f exceptionField) bool { return f.name == name.Value })
		if at < 0 {
			return e, wrongAt(name, "an exception has no %q", name.Value)
		}
		if said[name.Value] {
			return e, wrongAt(name, "%s is there twice", name.Value)
		}
		said[name.Value] = true
		if value.Kind != yaml.ScalarNode {
			return e, wrongAt(value, "want one value for %s", name.Value)
		}
		// YAML folds and indents long texts; an exception is shown in one line.
		text := strings.Join(strings.Fields(value.Value), " ")
		if text != "" && !fields[at].right(text) {
			return e, wrongAt(value, "%.100q is not a value for %s, want one %s", text, name.Value, fields[at].want)
		}
		*fields[at].field(&e) = text
	}
	for _, f := range fields {
		if *f.field(&e) == "" && (!f.optional || said[f.name]) {
			return e, wrongAt(node, "the exception for %s has no %s", cmp.Or(e.ID, "a finding"), f.name)
		}
	}
	return e, nil
}

func exceptionSchema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range exceptionFields() {
		properties[f.name] = map[string]any{"type": "string", "minLength": 1, "description": f.help}
		if !f.optional {
			required = append(required, f.name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
