package report

import (
	"cmp"
	"net/url"
	"path"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// locations are where a finding is mended, in the source, or where it is in the image.
// Code scanning wants at least one, and shows the first.
func locations(r *receipt.Receipt, f finding.Finding) []sarifLocation {
	var list []sarifLocation
	for _, p := range f.Paths {
		if at, message, ok := finding.ParsePosition(p); ok && message == "" {
			list = append(list, inSource(at))
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
	if at, ok := r.Declared(f); ok {
		return inSource(at)
	}
	return inImage(f.Image, "")
}

func inSource(at finding.Position) sarifLocation {
	return sarifLocation{Physical: sarifPhysical{sarifArtifact{relative(at.File), sourceRoot}, &sarifRegion{at.Line}}}
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
