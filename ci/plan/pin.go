package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// Pin is an image named by tag and digest, as in name:tag@sha256:.... The tag is
// for people and update bots, the digest decides the bytes.
type Pin struct {
	// Name is the repository with its registry, without tag and digest.
	Name string `json:"name"`
	// Tag may be empty.
	Tag string `json:"tag,omitempty"`
	// Digest is sha256: and 64 hexadecimal digits.
	Digest string `json:"digest"`
}

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	// The grammar of distribution's reference package, without its length limit.
	nameForm = regexp.MustCompile(`^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm  = regexp.MustCompile(`^\w[\w.-]{0,127}$`)
)

// ParsePin reads name[:tag]@sha256:.... A reference without a digest is refused.
func ParsePin(s string) (Pin, error) {
	rest, digest, found := strings.Cut(s, "@")
	if !found {
		return Pin{}, fmt.Errorf("%q has no digest: write name:tag@sha256:..., so that every build takes the same bytes", s)
	}
	if !digestForm.MatchString(digest) {
		return Pin{}, fmt.Errorf("%q has a malformed digest: want sha256: and 64 hexadecimal digits", s)
	}
	p := Pin{Name: rest, Digest: digest}
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		p.Name, p.Tag = rest[:i], rest[i+1:]
		if !tagForm.MatchString(p.Tag) {
			return Pin{}, fmt.Errorf("%q has a malformed tag %q", s, p.Tag)
		}
	}
	if len(p.Name) > 255 || !nameForm.MatchString(p.Name) {
		return Pin{}, fmt.Errorf("%q has a malformed image name", s)
	}
	return p, nil
}

// String returns name[:tag][@digest]: bases that are no image have only a name.
func (p Pin) String() string {
	s := p.Name
	if p.Tag != "" {
		s += ":" + p.Tag
	}
	if p.Digest != "" {
		s += "@" + p.Digest
	}
	return s
}
