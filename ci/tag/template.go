package tag

import (
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
)

// refExpressions stand for what is checked out, versionExpressions for parts of a version.
var (
	refExpressions     = []string{"branch", "tag", "sha"}
	versionExpressions = []string{"raw", "version", "major", "minor", "patch"}
)

// template is text with expressions in it.
type template []part

// part is literal text, or an expression by its name.
type part struct{ literal, expression string }

// parseTemplate reads the text of an attribute.
func parseTemplate(attribute, text string, allowed []string) (template, *fault.Error) {
	var t template
	for text != "" {
		literal, rest, opened := strings.Cut(text, "{{")
		if literal != "" {
			t = append(t, part{literal: literal})
		}
		if !opened {
			break
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if !closed || strings.ContainsAny(inner, "{}") {
			return nil, wrong("%s has braces that do not fit", attribute).WithFix("write expressions as {{%s}}", allowed[0])
		}
		name := strings.TrimSpace(inner)
		if !slices.Contains(allowed, name) {
			return nil, unknown(attribute, name, allowed)
		}
		t = append(t, part{expression: name})
		text = after
	}
	return t, nil
}

// unknown says what to write in the place of an expression.
func unknown(attribute, inner string, allowed []string) *fault.Error {
	name, _, _ := strings.Cut(inner, " ")
	err := wrong("%s cannot have {{%s}}", attribute, inner)
	if slices.Contains(versionExpressions, name) {
		return err.WithFix("write it as the pattern of type=semver")
	}
	if slices.Contains(refExpressions, name) {
		return err.WithFix("write it as prefix or suffix")
	}
	switch name {
	case "date":
		return err.WithFix("it depends on the clock, so write what the commit has: type=semver, type=sha or {{sha}}")
	case "commit_date":
		return err.WithFix("write what names the commit: type=sha or {{sha}}")
	case "base_ref":
		return err.WithFix("it comes from the event and not from the commit, so write the branch's name")
	case "is_default_branch", "is_not_default_branch":
		return err.WithFix("write type=edge, which is for the default branch alone")
	}
	return err.WithFix("it can have {{%s}}", strings.Join(allowed, "}}, {{"))
}

// render puts values in the place of expressions.
func (t template) render(values map[string]string) string {
	var text strings.Builder
	for _, p := range t {
		text.WriteString(p.literal)
		text.WriteString(values[p.expression])
	}
	return text.String()
}

func (t template) has(expression string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.expression == expression })
}

// String is the template as it is written.
func (t template) String() string {
	var text strings.Builder
	for _, p := range t {
		text.WriteString(p.literal)
		if p.expression != "" {
			text.WriteString("{{" + p.expression + "}}")
		}
	}
	return text.String()
}
