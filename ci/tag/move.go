package tag

import (
	"fmt"
	"regexp"

	"golang.org/x/mod/semver"
)

// guard keeps a tag that follows releases from moving backwards.
type guard struct {
	// version is the image's, canonical, or "" for one that is neither a release nor a
	// prerelease.
	version string
	// scope is v1.2, v1, or "" for all releases.
	scope string
	// forms read versions in the names of a registry's tags.
	forms []*regexp.Regexp
}

// MayMove tells whether the tag may move to this image in a repository that has these
// tags, in any order, and if not why: a clause in lower case. A tag that follows
// releases moves only to the highest release that there is, of 1.2 for 1.2, of 1 for 1
// and of all for latest. It never moves to a prerelease, and to an image without a
// version only while the repository has no release. Tags of branches and pull requests
// always move. For a fixed tag the answer is true: whether it may be set is a question
// of digests.
func (t Tag) MayMove(existing []string) (ok bool, reason string) {
	g := t.guard
	if g == nil {
		return true, ""
	}
	if semver.Prerelease(g.version) != "" {
		return false, g.version + " is a prerelease"
	}
	if g.version != "" && !g.covers(g.version) {
		return false, fmt.Sprintf("%s is none of the %s", g.version, releasesOf(g.scope))
	}
	highest := ""
	for _, name := range existing {
		if v := g.read(name); v != "" && (highest == "" || semver.Compare(v, highest) > 0) {
			highest = v
		}
	}
	switch {
	case highest == "" || g.version != "" && semver.Compare(highest, g.version) <= 0:
		return true, ""
	case g.version == "":
		return false, highest + " is released, and this image has no version"
	default:
		return false, highest + " is released, which is higher than " + g.version
	}
}

func (g *guard) covers(v string) bool {
	return g.scope == "" || semver.Major(v) == g.scope || semver.MajorMinor(v) == g.scope
}

// read returns the release in the guard's scope that a tag names, or "".
func (g *guard) read(name string) string {
	for _, form := range g.forms {
		if v := versionIn(form, name); v != "" && semver.Prerelease(v) == "" && g.covers(v) {
			return v
		}
	}
	return ""
}
