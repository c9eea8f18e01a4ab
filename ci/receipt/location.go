package receipt

import (
	"path"
	"regexp"

	"example.com/slipway/ci/finding"
)

// originForm are the files of a source folder that choose what is built, and of what.
var originForm = regexp.MustCompile(`^(Dockerfile|\.slipway\.ya?ml|go\.mod|go\.work)$`)

// Declared is the place in the source folder that says which version there is of the
// package that a finding is in. It is false where only the image shows it.
func (r *Receipt) Declared(f finding.Finding) (finding.Position, bool) {
	module, kind := finding.Position{File: "go.mod", Line: 1}, ""
	if f.Package != nil {
		kind = f.Package.Kind
	}
	switch {
	case kind == "gomod", kind == "" && f.Image == "":
		return module, true
	case kind == "":
		return finding.Position{}, false
	case kind != "stdlib":
		return origin(r.Origins["base"])
	}
	if at, ok := origin(r.Origins["builder"]); ok {
		return at, true
	}
	return module, true // its go line is what says a Go release in every source
}

// origin reads where a value of the plan came from: a file, with a line or without.
func origin(said string) (finding.Position, bool) {
	if at, message, ok := finding.ParsePosition(said); ok && message == "" {
		return at, originForm.MatchString(path.Base(at.File))
	}
	return finding.Position{File: said, Line: 1}, originForm.MatchString(said)
}
