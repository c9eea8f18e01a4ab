package actions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// defaultTypes are the activities that start a workflow which names none.
var defaultTypes = map[string][]string{
	"pull_request": {"opened", "synchronize", "reopened"},
	"merge_group":  {"checks_requested"},
}

// triggers tells whether a workflow's on: is for an event.
func triggers(on []actionlint.Event, e Event) (bool, error) {
	for _, one := range on {
		if one.EventName() != e.Name {
			continue
		}
		switch one := one.(type) {
		case *actionlint.WebhookEvent:
			return webhook(one, e)
		case *actionlint.ScheduledEvent:
			return slices.ContainsFunc(one.Schedules, func(s *actionlint.ScheduleEntry) bool {
				return s.Cron.Value == member(e.Payload, "schedule")
			}), nil
		}
		return true, nil
	}
	return false, nil
}

func webhook(on *actionlint.WebhookEvent, e Event) (bool, error) {
	if on.Paths != nil || on.PathsIgnore != nil {
		return false, fmt.Errorf("on.%s: filters of paths are not known here", e.Name)
	}
	types := defaultTypes[e.Name]
	if len(on.Types) > 0 {
		types = values(on.Types)
	}
	if action := member(e.Payload, "action"); types != nil && !slices.Contains(types, action) {
		return false, nil
	}
	branches, tags := on.Branches != nil || on.BranchesIgnore != nil, on.Tags != nil || on.TagsIgnore != nil
	switch {
	case e.Name == "pull_request":
		return passes(e.BaseRef, on.Branches, on.BranchesIgnore)
	case e.Name == "merge_group":
		return passes(strings.TrimPrefix(member(e.Payload, "merge_group", "base_ref"), "refs/heads/"), on.Branches, on.BranchesIgnore)
	case e.refType() == "tag":
		if branches && !tags {
			return false, nil
		}
		return passes(e.refName(), on.Tags, on.TagsIgnore)
	}
	if tags && !branches {
		return false, nil
	}
	return passes(e.refName(), on.Branches, on.BranchesIgnore)
}

// passes matches a name against the patterns that let it in or keep it out. The last
// pattern that matches decides.
func passes(name string, only, ignore *actionlint.WebhookEventFilter) (bool, error) {
	filter, in := only, false
	if filter == nil {
		filter, in = ignore, true
	}
	if filter == nil {
		return true, nil
	}
	decided := in
	for _, pattern := range values(filter.Values) {
		positive, negated := strings.CutPrefix(pattern, "!")
		matcher, err := glob(positive)
		if err != nil {
			return false, err
		}
		if matcher.MatchString(name) {
			decided = in == negated
		}
	}
	return decided, nil
}

// glob is a pattern of names as a regular expression: * stops at a slash, ** does not,
// and ? and + repeat what stands before them.
func glob(pattern string) (*regexp.Regexp, error) {
	var out strings.Builder
	for rest := pattern; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "**"):
			out.WriteString(".*")
			rest = rest[2:]
			continue
		case rest[0] == '*':
			out.WriteString("[^/]*")
		case strings.ContainsRune("?+[]-", rune(rest[0])):
			out.WriteByte(rest[0])
		default:
			out.WriteString(regexp.QuoteMeta(rest[:1]))
		}
		rest = rest[1:]
	}
	matcher, err := regexp.Compile("^(?:" + out.String() + ")$")
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return matcher, nil
}

func values(list []*actionlint.String) []string {
	var all []string
	for _, one := range list {
		all = append(all, one.Value)
	}
	return all
}
