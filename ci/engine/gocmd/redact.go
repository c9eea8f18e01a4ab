package gocmd

import (
	"regexp"
	"strings"
)

// redacted stands in place of a name and a password, as net/url has it.
const redacted = "xxxxx"

// host is a host with or without a port, which is all that can stand before the
// path of an address without credentials.
var host = regexp.MustCompile(`^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$`)

// redact takes credentials out of the addresses in a line. git and go leave them out
// of most of their messages, but not all of their versions out of all: an address
// can have them from a url.*.insteadOf of git's configuration or from GOPROXY.
func redact(line string) string {
	var out strings.Builder
	for {
		scheme, rest, found := strings.Cut(line, "//")
		out.WriteString(scheme)
		if !found {
			return out.String()
		}
		out.WriteString("//")
		// git@ of ssh is no secret.
		if at := credentials(rest); at > 0 && (!strings.HasSuffix(scheme, "ssh:") || strings.Contains(rest[:at], ":")) {
			out.WriteString(redacted)
			rest = rest[at:]
		}
		line = rest
	}
}

// credentials is how much of an address, behind its //, is a name and a password. A
// password that was not escaped can have any character in it, also a slash or an @.
func credentials(text string) int {
	if end := strings.IndexAny(text, " \t'\"`<>"); end >= 0 {
		text = text[:end]
	}
	authority := text
	if end := strings.IndexAny(text, "/?#"); end >= 0 {
		authority = text[:end]
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 || host.MatchString(authority) {
		return at
	}
	return strings.LastIndex(text, "@")
}
