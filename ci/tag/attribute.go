package tag

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/fault"
)

// known refuses types and attributes that there are not.
func (r *Rule) known(attributes map[string]string) *fault.Error {
	switch r.kind {
	case "schedule":
		return wrong("type=schedule depends on the clock and on what started the run, so the same commit would have other tags tomorrow").
			WithFix("give the job that runs on a schedule the flag --image-tag nightly")
	case "pep440":
		return wrong("type=pep440 is for versions of Python, and a Go module has semantic ones").WithFix("write type=semver")
	}
	kind, ok := kinds[r.kind]
	if !ok {
		return wrong("there is no type %q", r.kind).WithFix("the types are semver, match, edge, ref, raw and sha")
	}
	allowed := slices.Concat(kind.attributes, common)
	for name := range attributes {
		if !slices.Contains(allowed, name) {
			return wrong("type=%s has no %q", r.kind, name).WithFix("it has %s", strings.Join(allowed, ", "))
		}
	}
	for _, needed := range map[string][]string{"semver": {"pattern"}, "match": {"pattern"}, "ref": {"event"}, "raw": {"value"}}[r.kind] {
		if attributes[needed] == "" {
			return wrong("type=%s needs %s", r.kind, needed).WithFix("add %s=", needed)
		}
	}
	return nil
}

func (r *Rule) readCommon(attributes map[string]string) *fault.Error {
	r.enabled, r.priority = true, kinds[r.kind].priority
	if text, said := attributes["enable"]; said {
		if text != "true" && text != "false" {
			return wrong("enable=%s is neither true nor false", text).
				WithFix("say which; a semver or ref rule gives no tag where it does not apply, and type=edge is for the default branch alone")
		}
		r.enabled = text == "true"
	}
	if text, said := attributes["priority"]; said {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return wrong("priority=%s is no whole number", text).WithFix("write one, such as priority=900")
		}
		r.priority = int(n)
	}
	return nil
}

// readKind reads the attributes that one type has, but for the templates.
func (r *Rule) readKind(attributes map[string]string) *fault.Error {
	r.event, r.branch = attributes["event"], attributes["branch"]
	if r.kind == "ref" && !slices.Contains([]string{"branch", "tag", "pr"}, r.event) {
		return wrong("event=%s is no event", r.event).WithFix("write event=branch, event=tag or event=pr")
	}
	if format, said := attributes["format"]; said {
		if format != "short" && format != "long" {
			return wrong("format=%s is no format", format).WithFix("write format=short or format=long")
		}
		r.long = format == "long"
	}
	if strings.Contains(r.branch, "{{") {
		return wrong("branch= is a name").WithFix("write it without {{ }}")
	}
	switch r.kind {
	case "match":
		group, ok := attributes["group"]
		if !ok {
			group = "0"
		}
		return r.readMatch("pattern", attributes["pattern"], group)
	case "semver":
		if attributes["match"] != "" {
			return r.readMatch("match", attributes["match"], "1")
		}
	}
	return nil
}

var slashed = regexp.MustCompile(`^/(.+)/([a-z]*)$`)

func (r *Rule) readMatch(attribute, text, group string) *fault.Error {
	if m := slashed.FindStringSubmatch(text); m != nil {
		text = m[1]
		if flags := strings.ReplaceAll(m[2], "u", ""); strings.Trim(flags, "ims") != "" {
			return wrong("the regular expression has the flags %s", m[2]).WithFix("use i, m and s only")
		} else if flags != "" {
			text = "(?" + flags + ")" + text
		}
	}
	if len(text) > matchLimit {
		return wrong("%s is longer than %d bytes", attribute, matchLimit).WithFix("shorten it")
	}
	var err error
	if r.match, err = regexp.Compile(text); err != nil {
		return wrong("%s: %v", attribute, err).WithFix("write a regular expression of Go, which looks neither ahead nor behind")
	}
	if r.group, err = strconv.Atoi(group); err != nil || r.group < 0 || r.group > r.match.NumSubexp() {
		return wrong("%s has no group %s", attribute, group).WithFix("put what is wanted in parentheses, and name its number")
	}
	return nil
}

func (r *Rule) readTemplates(attributes map[string]string) *fault.Error {
	prefix, said := attributes["prefix"]
	switch {
	case !said && r.kind == "sha":
		prefix = "sha-"
	case !said && r.kind == "ref" && r.event == "pr":
		prefix = "pr-"
	}
	var err *fault.Error
	if r.prefix, err = parseTemplate("prefix", prefix, refExpressions); err != nil {
		return err
	}
	if r.suffix, err = parseTemplate("suffix", attributes["suffix"], refExpressions); err != nil {
		return err
	}
	if value := attributes["value"]; value != "" {
		if r.value, err = parseTemplate("value", value, refExpressions); err != nil {
			return err
		}
	}
	if r.kind == "semver" {
		r.pattern, err = parseTemplate("pattern", attributes["pattern"], versionExpressions)
	}
	return err
}
