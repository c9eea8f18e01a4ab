// Package purl writes package URLs, the names by which scanners and policies know
// what is in an image. https://github.com/package-url/purl-spec
package purl

import "strings"

// Go is a module of Go at a version, which may be empty. The path is in lower case, as
// the specification has it and scanners write it. A folder has none and gives "".
func Go(path, version string) string {
	if path == "" || strings.HasPrefix(path, ".") || strings.HasPrefix(path, "/") {
		return ""
	}
	return "pkg:golang/" + segments(strings.ToLower(path)) + at(version)
}

// Stdlib is Go's standard library of a release, as go1.26.9, by the name under which
// Trivy and Syft know it.
func Stdlib(release string) string { return "pkg:golang/stdlib" + at(GoVersion(release)) }

// GoVersion is the version of a Go release as modules have it: v1.26.9 for go1.26.9.
// What the release was built with, as in go1.26.9 X:nodwarf5, is no part of it.
func GoVersion(release string) string {
	release, _, _ = strings.Cut(release, " ")
	return strings.Replace(release, "go", "v", 1)
}

// Package is a package of a distribution.
type Package struct {
	// Kind is deb or apk.
	Kind string
	// Distro is debian, and Release its number. Both may be empty.
	Distro, Release     string
	Name, Version, Arch string
	// Source is the package that it was built from, where that has another name.
	Source string
}

// String is the URL of a package. Debian's advisories are about source packages, which
// Grype takes from the qualifier upstream.
func (p Package) String() string {
	url := "pkg:" + p.Kind + "/"
	from := p.Distro
	if p.Distro != "" {
		url += escape(strings.ToLower(p.Distro)) + "/"
		if p.Release != "" {
			from += "-" + p.Release
		}
	}
	return url + escape(strings.ToLower(p.Name)) + at(p.Version) + qualifiers("arch", p.Arch, "distro", from, "upstream", p.Source)
}

// Image is an image in a repository, as ghcr.io/team/server, or with a name alone.
func Image(repository, digest, arch string) string {
	name, where := repository, ""
	if i := strings.LastIndex(repository, "/"); i >= 0 {
		name, where = repository[i+1:], repository
	}
	return "pkg:oci/" + escape(strings.ToLower(name)) + at(digest) + qualifiers("arch", arch, "repository_url", where)
}

func at(version string) string {
	if version == "" {
		return ""
	}
	return "@" + escape(version)
}

// qualifiers are pairs of names, in their order, and values. Empty ones are left out.
func qualifiers(pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, pairs[i]+"="+escape(pairs[i+1]))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "?" + strings.Join(list, "&")
}

// segments escapes a path and leaves its slashes.
func segments(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, "/")
}

// escape writes a byte in hexadecimal unless it is unreserved or a colon, as the
// specification has it.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~:", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
