// Package tag says which tags an image gets: rules in the words of
// docker/metadata-action, answered from what git tells of the commit and from nothing
// else, so that a laptop and a CI job give an image the same names. Neither a clock
// nor the payload of an event has a say.
package tag

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// Facts are what rules are answered from.
type Facts struct {
	// Ref is the full name of what is checked out: refs/heads/main, refs/tags/v1.2.3 or
	// refs/pull/7/merge. It is "" where a commit is checked out by itself.
	Ref string
	// Commit is the full commit id, or "".
	Commit string
	// Version is that of the plan: the highest version tag at the commit, a
	// pseudo-version, what somebody said, or "". A pseudo-version, and that of a source
	// with changes that are not committed, is no release; nor has a pull request one,
	// whatever tags are at its commit.
	Version string
	// DefaultBranch is the short name of the repository's default branch, or "".
	DefaultBranch string
	// Tags are the short names of all tags at the commit, in any order. They count
	// where Ref is empty, as after a CI job's checkout of a tag: then the tag of the
	// version is what is checked out, else the only tag.
	Tags []string
}

// Tag is one tag that an image gets.
type Tag struct {
	plan.Tag
	guard *guard
}

// Resolve answers rules, highest priority first and then in their own order. No rules
// stand for these:
//
//   - a release has the fixed tag {{version}} and the moving ones {{major}}.{{minor}},
//     {{major}}, but not for 0.x, and latest;
//   - a prerelease has the fixed tag {{version}};
//   - everything else has the moving tag of its branch or, as pr-7, its pull request,
//     and the fixed one sha-1234567 of its commit.
//
// A rule that the facts do not answer gives no tag. Characters that a tag cannot have
// become dashes. Two rules that give one name to different things are refused, as is a
// branch whose name is of the form that another rule gives to versions, commits or
// pull requests: they would overwrite each other in turn. A name such as 1.2.3 never
// moves: what a source names so is fixed, a branch of that name is refused. Errors are *fault.Error of
// kind Usage.
func Resolve(rules []Rule, f Facts) ([]Tag, error) {
	if len(rules) == 0 {
		rules = defaults()
	}
	rules = slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return !r.enabled })
	slices.SortStableFunc(rules, func(a, b Rule) int { return cmp.Compare(b.priority, a.priority) })
	k := f.known()
	var all []made
	for _, r := range rules {
		m, ok, err := r.make(k)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, m)
		}
	}
	return distinct(all, rules, k)
}

// made is a tag that a rule gave.
type made struct {
	Tag
	rule Rule
	// free says that the name is a branch's or tag's own, of whatever form.
	free bool
}

func distinct(all []made, rules []Rule, k known) ([]Tag, error) {
	first := map[string]made{}
	var tags []Tag
	for _, m := range all {
		other, twice := first[m.Name]
		if twice && other.Follows != m.Follows {
			return nil, fault.New(fault.Usage, "the image tag %s would be for %s, by %s, and for %s, by %s",
				m.Name, other.Follows, other.rule, m.Follows, m.rule).WithFix(prefixFix)
		}
		if twice {
			continue
		}
		first[m.Name] = m
		if m.guard != nil {
			m.guard.forms = forms(rules, m.rule, k)
		}
		tags = append(tags, m.Tag)
	}
	for _, m := range first {
		if !m.free {
			continue
		}
		for _, r := range rules {
			if r.claims(m.Name, k) {
				return nil, fault.New(fault.Usage, "the image tag %s of %s, by %s, has the form of those by %s", m.Name, m.Follows, m.rule, r).
					WithFix(prefixFix)
			}
		}
	}
	return tags, nil
}

const prefixFix = "tell them apart with a prefix, such as type=ref,event=branch,prefix=branch-"

// known are the facts as the rules ask for them.
type known struct {
	branch, tag, pull, commit, defaultBranch string
	// version is "" where there is no release or prerelease.
	version string
}

var pullForm = regexp.MustCompile(`^refs/pull/([0-9]{1,18})/(?:merge|head)$`)

func (f Facts) known() known {
	k := known{commit: f.Commit, defaultBranch: f.DefaultBranch}
	ref := f.Ref
	if ref == "" {
		ref = f.detached()
	}
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		k.branch = branch
	} else if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		k.tag = tag
	} else if m := pullForm.FindStringSubmatch(ref); m != nil {
		k.pull = m[1]
	}
	v, ok := canonical(f.Version)
	switch {
	case ok && semver.Build(v) == "+dirty":
		k.commit, k.tag = "", "" // neither is what is built
	case ok && !module.IsPseudoVersion(v) && k.pull == "":
		k.version = f.Version
	}
	return k
}

// detached is the tag that a commit was checked out by, if that is certain.
func (f Facts) detached() string {
	ofVersion := slices.DeleteFunc(slices.Clone(f.Tags), func(t string) bool { return path.Base(t) != f.Version })
	for _, tags := range [][]string{ofVersion, f.Tags} {
		if one := slices.Compact(slices.Sorted(slices.Values(tags))); len(one) == 1 {
			return "refs/tags/" + one[0]
		}
	}
	return ""
}

// canonical returns a full semantic version with its v, and with its build metadata.
func canonical(text string) (string, bool) {
	v := "v" + strings.TrimPrefix(text, "v")
	return v, semver.IsValid(v) && strings.HasPrefix(v, semver.Canonical(v))
}
