package tag

import (
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// shortSHA is how much of a commit id a tag has, in digits, as docker/metadata-action does.
const shortSHA = 7

// answer is what a rule says before prefix and suffix. No value is no tag.
type answer struct {
	value, follows string
	moving, free   bool
	guard          *guard
}

// make answers a rule. Not ok is one that the facts do not answer.
func (r Rule) make(k known) (m made, ok bool, err error) {
	a, err := r.answer(k)
	if err != nil || a.value == "" {
		return made{}, false, err
	}
	refs := k.refs()
	name, why := sanitise(r.prefix.render(refs)+a.value+r.suffix.render(refs), a.free)
	if why != nil {
		return made{}, false, fault.New(fault.Usage, "%s makes no image tag of %s: %s", r, a.follows, why.What).WithFix("%s", why.Fix)
	}
	// The name of a version is one image's for ever, whoever gives it.
	if v, whole := canonical(name); whole && a.moving {
		if r.kind != "raw" {
			return made{}, false, fault.New(fault.Usage, "the image tag %s of %s, by %s, has the form of a version, and it would move", name, a.follows, r).
				WithFix(prefixFix)
		}
		a = answer{follows: "version " + v}
	}
	t := Tag{Tag: plan.Tag{Name: name, Moving: a.moving, Follows: a.follows}, guard: a.guard}
	return made{Tag: t, rule: r, free: a.free}, true, nil
}

func (r Rule) answer(k known) (answer, error) {
	if !r.condition.holds(k) {
		return answer{}, nil
	}
	switch r.kind {
	case "semver":
		return r.semver(k), nil
	case "match":
		text := k.tag
		if r.value != nil {
			text = r.value.render(k.refs())
		}
		return k.named(r.matched(text), thing(text), false), nil
	case "edge":
		return r.edge(k)
	case "ref":
		return r.ref(k), nil
	case "sha":
		id := k.commit
		if !r.long {
			id = id[:min(len(id), shortSHA)]
		}
		return answer{value: id, follows: "commit " + k.commit}, nil
	default:
		return k.named(r.value.render(k.refs()), "the name "+r.prefix.String()+r.value.String()+r.suffix.String(), true), nil
	}
}

func (c condition) holds(k known) bool {
	release := k.version != "" && !prerelease(k.version)
	switch c {
	case releases:
		return release
	case stable:
		v, _ := canonical(k.version)
		return release && semver.Major(v) != "v0"
	case unreleased:
		return k.version == ""
	default:
		return true
	}
}

func (r Rule) semver(k known) answer {
	text := k.version
	if r.match != nil {
		text = k.tag
	}
	if r.value != nil {
		text = r.value.render(k.refs())
	}
	if r.match != nil {
		text = r.matched(text)
	}
	v, ok := canonical(text)
	if !ok {
		return answer{}
	}
	pattern := r.pattern
	// A prerelease is nothing that 1 or 1.2 could be.
	if prerelease(v) && (len(pattern) != 1 || !pattern.has("raw")) {
		pattern = wholeVersion()
	}
	a := answer{value: pattern.render(versionValues(text, v)), follows: "version " + v}
	if !pattern.fixed() {
		a.moving, a.guard = true, &guard{version: v, scope: pattern.scope(v)}
		a.follows = releasesOf(a.guard.scope)
	}
	return a
}

func (r Rule) edge(k known) (answer, error) {
	branch := r.branch
	if branch == "" {
		branch = k.defaultBranch
	}
	if k.branch != "" && branch == "" {
		return answer{}, fault.New(fault.Usage, "%s needs the default branch, which git does not know here", r).
			WithFix("name it, as in type=edge,branch=main")
	}
	if k.branch == "" || k.branch != branch {
		return answer{}, nil
	}
	return answer{value: "edge", follows: "branch " + k.branch, moving: true}, nil
}

func (r Rule) ref(k known) answer {
	switch r.event {
	case "branch":
		return answer{value: k.branch, follows: "branch " + k.branch, moving: true, free: true}
	case "pr":
		return answer{value: k.pull, follows: "pull request " + k.pull, moving: true}
	default:
		return k.named(k.tag, thing(k.tag), false)
	}
}

func (r Rule) matched(text string) string {
	if m := r.match.FindStringSubmatch(text); m != nil {
		return m[r.group]
	}
	return ""
}

var partial = regexp.MustCompile(`^v?([0-9]{1,3}(?:\.[0-9]{1,9})?)$`)

// named answers with a name that somebody chose. One that says latest, 1 or 1.2, and
// fits the version, moves as releases do.
func (k known) named(value, follows string, moving bool) answer {
	a := answer{value: value, follows: follows, moving: moving, free: strings.HasPrefix(follows, "tag ")}
	v, _ := canonical(k.version)
	m := partial.FindStringSubmatch(value)
	switch {
	case value == "latest":
		a.guard = &guard{}
	case m != nil && k.version != "" && (semver.Major(v) == "v"+m[1] || semver.MajorMinor(v) == "v"+m[1]):
		a.guard = &guard{scope: "v" + m[1]}
	default:
		return a
	}
	if k.version != "" {
		a.guard.version = v
	}
	a.moving, a.free, a.follows = true, false, releasesOf(a.guard.scope)
	return a
}

// thing is what a git tag stands for: the version at its end, as in svc/v1.2.3, if it
// has one.
func thing(tag string) string {
	if v, ok := canonical(path.Base(tag)); ok {
		return "version " + v
	}
	return "tag " + tag
}

func releasesOf(scope string) string {
	if scope == "" {
		return "releases"
	}
	return "releases of " + scope
}

// refs are the values of refExpressions.
func (k known) refs() map[string]string {
	return map[string]string{"branch": k.branch, "tag": k.tag, "sha": k.commit[:min(len(k.commit), shortSHA)]}
}

// versionValues are those of versionExpressions; v is the canonical form of text.
func versionValues(text, v string) map[string]string {
	whole := strings.TrimPrefix(semver.Canonical(v), "v")
	numbers := strings.SplitN(strings.TrimSuffix(whole, semver.Prerelease(v)), ".", 3)
	return map[string]string{"raw": text, "version": whole, "major": numbers[0], "minor": numbers[1], "patch": numbers[2]}
}

// fixed says that each version has its own name by the pattern.
func (t template) fixed() bool {
	return t.has("version") || t.has("raw") || t.has("major") && t.has("minor") && t.has("patch")
}

// scope is the part of a version that all versions of one name by the pattern share.
func (t template) scope(v string) string {
	switch {
	case t.has("patch") || !t.has("major"):
		return ""
	case t.has("minor"):
		return semver.MajorMinor(v)
	default:
		return semver.Major(v)
	}
}

func wholeVersion() template { return template{{expression: "version"}} }

func prerelease(version string) bool {
	v, _ := canonical(version)
	return semver.Prerelease(v) != ""
}
