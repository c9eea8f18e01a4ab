package tag

import (
	"encoding/csv"
	"regexp"
	"strings"

	"example.com/slipway/ci/fault"
)

// Rule is one rule, in the words of docker/metadata-action:
//
//	type=semver,pattern={{version}}      also {{major}}, {{minor}}, {{patch}}, {{raw}}; value=, match=
//	type=ref,event=branch                or tag, or pr, which has the prefix pr- if it has no other
//	type=sha                             format=long for the whole id; prefix sha- if it has no other
//	type=match,pattern=v(.*),group=1     a regular expression of Go on the tag, or on value=
//	type=edge,branch=main                the default is the repository's default branch
//	type=raw,value=nightly               or nightly
//
// Each may have prefix=, suffix=, priority= and enable=true or false. In value, prefix
// and suffix, {{branch}}, {{tag}} and {{sha}} stand for what is checked out. A field
// with a comma in it is quoted as in CSV.
//
// Other than there, type=semver reads the plan's version, which the commit has whatever
// is checked out, no rule adds latest by the side (type=raw,value=latest does), and a
// match= that does not match gives no tag.
// https://github.com/docker/metadata-action#tags-input
type Rule struct {
	text, kind     string
	event, branch  string
	long, enabled  bool
	priority       int
	group          int
	match          *regexp.Regexp
	prefix, suffix template
	// value is nil where none is said.
	value, pattern template
	condition      condition
}

// String is the rule as it was written.
func (r Rule) String() string { return r.text }

// condition limits a default rule.
type condition int

const (
	always condition = iota
	releases
	stable // releases from 1.0.0 on
	unreleased
)

const (
	// ruleLimit bounds a rule, in bytes.
	ruleLimit = 1000
	// matchLimit bounds a regular expression, in bytes: counted repetitions unfold.
	matchLimit = 200
)

// kinds are the types with the attributes that each has beside the common ones, and
// the priority that it has by itself.
var kinds = map[string]struct {
	priority   int
	attributes []string
}{
	"semver": {900, []string{"pattern", "value", "match"}},
	"match":  {800, []string{"pattern", "group", "value"}},
	"edge":   {700, []string{"branch"}},
	"ref":    {600, []string{"event"}},
	"raw":    {200, []string{"value"}},
	"sha":    {100, []string{"format"}},
}

// common are the attributes of every type.
var common = []string{"type", "enable", "priority", "prefix", "suffix"}

// Parse reads a rule. Its errors are *fault.Error of kind Usage.
func Parse(text string) (Rule, error) {
	refuse := func(err *fault.Error) (Rule, error) {
		shown := text
		if len(shown) > ruleLimit {
			shown = shown[:ruleLimit]
		}
		return Rule{}, fault.New(fault.Usage, "the image tag rule %q: %s", shown, err.What).WithFix("%s", err.Fix)
	}
	attributes, err := fields(text)
	if err != nil {
		return refuse(err)
	}
	r := Rule{text: strings.TrimSpace(text), kind: "raw"}
	if kind, said := attributes["type"]; said {
		r.kind = kind
	}
	if err := r.known(attributes); err != nil {
		return refuse(err)
	}
	for _, read := range []func(map[string]string) *fault.Error{r.readCommon, r.readKind, r.readTemplates} {
		if err := read(attributes); err != nil {
			return refuse(err)
		}
	}
	return r, nil
}

func wrong(format string, args ...any) *fault.Error { return fault.New(fault.Usage, format, args...) }

// fields divides a rule into its attributes. One without a name is the value.
func fields(text string) (map[string]string, *fault.Error) {
	if len(text) > ruleLimit {
		return nil, wrong("it is longer than %d bytes", ruleLimit).WithFix("shorten it")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, wrong("it has a control character").WithFix("write one rule in one line")
	}
	if strings.Contains(text, "${{") {
		return nil, wrong("${{ }} is for GitHub's workflow files").WithFix("let the workflow give the rule as a flag, or write it without")
	}
	list, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return nil, wrong("it is not a list of attributes: %v", err).WithFix(`write type=...,name=value, and quote the whole of a field with a comma: "pattern=a{1,2}"`)
	}
	all := map[string]string{}
	for _, field := range list {
		name, value, named := strings.Cut(field, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !named {
			name, value = "value", strings.TrimSpace(field)
		}
		if name == "" || !named && value == "" {
			return nil, wrong("it has an attribute without a name").WithFix("write name=value between commas")
		}
		if _, twice := all[name]; twice {
			return nil, wrong("it has %s twice", name).WithFix("keep one")
		}
		all[name] = value
	}
	return all, nil
}
