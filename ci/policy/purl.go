package policy

import (
	"net/url"
	"strings"

	"example.com/slipway/ci/finding"
)

// purl is a parsed package URL: pkg:TYPE/PATH@VERSION?QUALIFIERS#SUBPATH.
// https://github.com/package-url/purl-spec
type purl struct {
	kind, path, version string
	qualifiers          map[string]string
	subpath             string
}

// parsePURL reads a package URL. Anything else gives false.
func parsePURL(text string) (p purl, ok bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return purl{}, false
	}
	rest, p.subpath, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	p.kind, rest, ok = strings.Cut(strings.Trim(rest, "/"), "/")
	if !ok {
		return purl{}, false
	}
	p.kind = strings.ToLower(p.kind)
	// The at sign of a scope, as in %40scope, may stand unescaped before a slash.
	if at := strings.LastIndex(rest, "@"); at > strings.LastIndex(rest, "/") {
		rest, p.version = rest[:at], rest[at+1:]
	}
	var err error
	if p.path, err = url.PathUnescape(strings.Trim(rest, "/")); err != nil || p.path == "" {
		return purl{}, false
	}
	if p.version, err = url.PathUnescape(p.version); err != nil {
		return purl{}, false
	}
	p.qualifiers = map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value, err = url.PathUnescape(value); err != nil {
			return purl{}, false
		}
		if value != "" {
			p.qualifiers[strings.ToLower(name)] = value
		}
	}
	p.normalise()
	return p, true
}

// normalise takes out what the same package is written with and without.
func (p *purl) normalise() {
	switch p.kind {
	case "golang":
		// The specification wants lower case, some tools keep the case of the path.
		p.path = strings.ToLower(p.path)
		p.version = strings.TrimPrefix(p.version, "v")
		if p.qualifiers["type"] == "module" {
			delete(p.qualifiers, "type")
		}
	case "oci":
		// Where an image is kept does not change what it is.
		p.path = strings.ToLower(p.path)
		delete(p.qualifiers, "repository_url")
	case "deb":
		p.path = strings.ToLower(p.path)
	}
}

// covers tells whether what is said of p is said of q as well: of every version where p
// has none, and only with the qualifiers that p has.
func (p purl) covers(q purl) bool {
	if p.kind != q.kind || p.path != q.path || p.version != "" && p.version != q.version || p.subpath != q.subpath {
		return false
	}
	for name, value := range p.qualifiers {
		if q.qualifiers[name] != value {
			return false
		}
	}
	return true
}

// packageOf is the package URL of what a finding is in. A finding on several platforms
// has the URL of one of them, so what is said of an architecture is not said of it.
func packageOf(f finding.Finding) (purl, bool) {
	if f.Package == nil {
		return purl{}, false
	}
	p, ok := parsePURL(f.Package.PURL)
	if ok && len(f.Platforms) != 1 {
		delete(p.qualifiers, "arch")
	}
	return p, ok
}

// isImage tells whether a package URL is that of an image of this name. One with a
// digest is not: it is said of an image that was there before the one that is judged.
func (p purl) isImage(name string) bool {
	return name != "" && p.covers(purl{kind: "oci", path: strings.ToLower(name)})
}
