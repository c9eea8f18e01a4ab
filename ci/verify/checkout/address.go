package checkout

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

var (
	userForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	// atCommit is how an SPDX download location ends.
	atCommit = regexp.MustCompile(`@[0-9a-f]{40,64}$`)
)

// address returns the URL that git is given for a repository. It comes from outside:
// git knows forms that run a program or read this machine's files.
func address(text string) (string, error) {
	refused := errors.New("the repository that the provenance names is not one that is fetched from: want https:// or ssh://")
	u, err := url.Parse(strings.TrimPrefix(text, "git+"))
	if err != nil || u.Opaque != "" || u.Host == "" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.Hostname(), "-") {
		return "", refused
	}
	if u.Scheme != "https" && u.Scheme != "ssh" || u.RawQuery != "" || u.ForceQuery {
		return "", refused
	}
	if u.User != nil {
		_, secret := u.User.Password()
		if secret || u.Scheme != "ssh" || !userForm.MatchString(u.User.Username()) {
			return "", refused
		}
	}
	u.Fragment, u.RawFragment = "", ""
	u.Path, u.RawPath = atCommit.ReplaceAllString(u.Path, ""), ""
	if strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.HasPrefix(u.Path, "/-") {
		return "", refused
	}
	return u.String(), nil
}
