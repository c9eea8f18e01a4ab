package scaffold

import (
	"regexp"
	"strings"

	"example.com/slipway/ci/fault"
)

// Action is the version of Slipway that a repository uses.
type Action struct {
	// Repository is OWNER/REPO, Commit the full id.
	Repository, Commit string
	// Version is that of the commit, or empty for one without.
	Version string
}

var (
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}$`)
	commitForm     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	versionForm    = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]{0,64}$`)
)

// ParseAction reads OWNER/REPO@COMMIT, or OWNER/REPO@COMMIT#VERSION.
func ParseAction(text string) (Action, error) {
	ref, version, _ := strings.Cut(text, "#")
	var a Action
	a.Repository, a.Commit, _ = strings.Cut(ref, "@")
	if versionForm.MatchString(version) {
		a.Version = version
	} else if version != "" {
		return Action{}, malformed(text)
	}
	if a.check() != nil {
		return Action{}, malformed(text)
	}
	return a, nil
}

func malformed(text string) error {
	return fault.New(fault.Usage, "%.200q does not name an action", text).
		WithFix("write OWNER/REPO@COMMIT with all 40 digits, and #v1.2.3 behind it where that is its version")
}

func (a Action) check() error {
	if !repositoryForm.MatchString(a.Repository) || !commitForm.MatchString(a.Commit) || a.Version != "" && !versionForm.MatchString(a.Version) {
		return malformed(a.Repository + "@" + a.Commit)
	}
	return nil
}

// Uses is how a workflow names it: the version behind it is what update bots read.
func (a Action) Uses() string {
	version := a.Version
	if version == "" {
		version = "unreleased"
	}
	return a.Repository + "@" + a.Commit + " # " + version
}

// Ref is how Dagger names it.
func (a Action) Ref() string {
	at := a.Version
	if at == "" {
		at = a.Commit
	}
	return "github.com/" + a.Repository + "@" + at
}

// remoteForm is a repository on GitHub as git remotes name it, by https or ssh.
var remoteForm = regexp.MustCompile(`^(?:(?:https|ssh|git)://(?:[^/@]*@)?github\.com(?::[0-9]+)?/|(?:[^/@:]*@)?github\.com:/?)([A-Za-z0-9-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$`)

// Target is where the image of a source folder goes: the packages of its repository on
// GitHub, below that where the folder is one of several. It is "" for other remotes.
func Target(remote, folder string) string {
	m := remoteForm.FindStringSubmatch(remote)
	if m == nil {
		return ""
	}
	target := "ghcr.io/" + strings.ToLower(m[1])
	if name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(folder), "-"), "-"); name != "" {
		target += "/" + name
	}
	return target
}
