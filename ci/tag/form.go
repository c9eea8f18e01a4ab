package tag

import (
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

const (
	numberForm  = `(?:0|[1-9][0-9]*)`
	versionForm = numberForm + `\.` + numberForm + `\.` + numberForm + `(?:-[0-9A-Za-z.-]+)?`
)

// form is the regular expression of all names that a rule could give by a pattern,
// whatever the version. Its groups are named as the expressions.
func (r Rule) form(pattern template, k known) *regexp.Regexp {
	var text strings.Builder
	grouped := map[string]bool{}
	group := func(name, form string) {
		if grouped[name] {
			text.WriteString("(?:" + form + ")")
			return
		}
		grouped[name] = true
		text.WriteString("(?P<" + name + ">" + form + ")")
	}
	refs := k.refs()
	literal := r.prefix.render(refs)
	write := func() {
		kept := clean(literal)
		if text.Len() == 0 {
			kept = strings.TrimLeft(kept, ".-")
		}
		text.WriteString(regexp.QuoteMeta(kept))
		literal = ""
	}
	for _, p := range pattern {
		literal += p.literal
		if p.expression == "" {
			continue
		}
		write()
		switch p.expression {
		case "raw":
			text.WriteString("v?")
			group("version", versionForm)
		case "version":
			group("version", versionForm)
		default:
			group(p.expression, numberForm)
		}
	}
	literal += r.suffix.render(refs)
	write()
	return regexp.MustCompile("^" + text.String() + "$")
}

// versionIn reads the version in a name of a fixed form, or "".
func versionIn(form *regexp.Regexp, name string) string {
	m := form.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	part := func(group string) string {
		if i := form.SubexpIndex(group); i >= 0 {
			return m[i]
		}
		return ""
	}
	v := "v" + part("version")
	if v == "v" {
		v += part("major") + "." + part("minor") + "." + part("patch")
	}
	if v, ok := canonical(v); ok {
		return semver.Canonical(v)
	}
	return ""
}

// forms are those by which released versions are read in a registry, for a tag that a
// rule gave: with the rule's own prefix and suffix, or, where no rule gives versions
// such names, as the other rules give them.
func forms(rules []Rule, own Rule, k known) []*regexp.Regexp {
	raw := template{{expression: "raw"}}
	list, others := []*regexp.Regexp{own.form(raw, k)}, []*regexp.Regexp(nil)
	found := false
	refs := k.refs()
	for _, r := range rules {
		if r.kind != "semver" || !r.pattern.fixed() {
			continue
		}
		if r.prefix.render(refs) == own.prefix.render(refs) && r.suffix.render(refs) == own.suffix.render(refs) {
			list, found = append(list, r.form(r.pattern, k)), true
		} else {
			others = append(others, r.form(r.pattern, k))
		}
	}
	if !found {
		list = append(list, others...)
	}
	return list
}

var (
	digits  = regexp.MustCompile(`^[0-9]+$`)
	shortID = regexp.MustCompile(`^[0-9a-f]{7}$`)
	longID  = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
)

// claims tells whether a rule gives names of this form to versions, commits, pull
// requests or one thing by name, on this commit or another one.
func (r Rule) claims(name string, k known) bool {
	refs := k.refs()
	switch r.kind {
	case "semver":
		return r.form(r.pattern, k).MatchString(name) || r.form(wholeVersion(), k).MatchString(name)
	case "raw":
		whole, err := sanitise(r.prefix.render(refs)+r.value.render(refs)+r.suffix.render(refs), false)
		return err == nil && whole == name
	}
	name, hasPrefix := strings.CutPrefix(name, strings.TrimLeft(clean(r.prefix.render(refs)), ".-"))
	name, hasSuffix := strings.CutSuffix(name, clean(r.suffix.render(refs)))
	if !hasPrefix || !hasSuffix {
		return false
	}
	switch {
	case r.kind == "edge":
		return name == "edge"
	case r.kind == "sha" && r.long:
		return longID.MatchString(name)
	case r.kind == "sha":
		return shortID.MatchString(name)
	case r.kind == "ref" && r.event == "pr":
		return digits.MatchString(name)
	default:
		return false
	}
}
