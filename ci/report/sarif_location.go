package report

import (
	"cmp"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// locations are where a finding is mended, in the source, or where it is in the image.
// Code scanning wants at least one, and shows the first.
func locations(r *receipt.Receipt, f finding.Finding) []sarifLocation {
	var list []sarifLocation
	for _, p := range f.Paths {
		if file, line, ok := sourceLine(p); ok {
			list = append(list, inSource(file, line))
		} else {
			list = append(list, inImage(f.Image, p))
		}
	}
	if len(list) == 0 || f.Package != nil {
		list = append([]sarifLocation{declared(r, f)}, list...)
	}
	return list
}

// declared is the file that says which version of a package there is.
func declared(r *receipt.Receipt, f finding.Finding) sarifLocation {
	kind := ""
	if f.Package != nil {
		kind = f.Package.Kind
	}
	said := ""
	switch {
	case kind == "gomod":
		return inSource("go.mod", 1)
	case kind == "stdlib":
		said = r.Origins["builder"]
	case kind != "":
		said = r.Origins["base"]
	case f.Image == "":
		return inSource("go.mod", 1)
	}
	if file, line, ok := origin(said); ok {
		return inSource(file, line)
	}
	if kind == "stdlib" {
		return inSource("go.mod", 1) // its go line is what says a Go release in every source
	}
	return inImage(f.Image, "")
}

var (
	lineForm   = regexp.MustCompile(`^([^:/][^:]*):([1-9][0-9]{0,8})(?::[0-9]+)?$`)
	originForm = regexp.MustCompile(`^(Dockerfile|\.slipway\.ya?ml|go\.mod|go\.work)$`)
)

// sourceLine splits file:line.
func sourceLine(p string) (file string, line int, ok bool) {
	m := lineForm.FindStringSubmatch(p)
	if m == nil {
		return "", 0, false
	}
	line, err := strconv.Atoi(m[2])
	return m[1], line, err == nil
}

// origin reads where a value of the plan came from: a file, with a line or without.
func origin(said string) (file string, line int, ok bool) {
	if file, line, ok := sourceLine(said); ok {
		return file, line, originForm.MatchString(path.Base(file))
	}
	return said, 1, originForm.MatchString(said)
}

func inSource(file string, line int) sarifLocation {
	return sarifLocation{Physical: sarifPhysical{sarifArtifact{relative(file), sourceRoot}, &sarifRegion{line}}}
}

// inImage names a file of an image as if the image were a folder: code scanning takes
// no other scheme than file.
func inImage(image, name string) sarifLocation {
	image = cmp.Or(clean(image), "image")
	full := image + "!/" + strings.TrimPrefix(clean(name), "/")
	return sarifLocation{
		Physical: sarifPhysical{sarifArtifact{URI: relative(path.Join(image, name))}, &sarifRegion{1}},
		Logical:  []sarifLogical{{full, "resource"}},
	}
}

// relative is a path as a relative address, which stays below what it counts from.
func relative(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+clean(name)), "/")
	// A colon in the first part would make a scheme of it, which PathEscape leaves.
	parts := strings.Split(cmp.Or(name, "."), "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(part), ":", "%3A")
	}
	return strings.Join(parts, "/")
}
