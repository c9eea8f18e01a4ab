package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
)

// Fix returns the shortest way out of a finding for the image that has it, as a clause.
func Fix(f finding.Finding, img plan.Image) string {
	base := "the base " + cmp.Or(img.Base.String(), "image")
	switch p := f.Package; {
	case f.Gate == finding.GateLeaks:
		return "take it out of the image and revoke it: whoever has a copy of the image has the secret"
	case f.ID == EndOfLife:
		return "build on an image of a newer distribution than " + base
	case p == nil:
		return ""
	case !ours(f, img):
		return fmt.Sprintf("take a newer digest of %s, which has that program", base)
	case p.Kind == StandardLibrary:
		return release(p, img)
	case p.Kind == GoModule:
		return upgrade(p)
	case len(p.Fixed) == 0:
		return fmt.Sprintf("no fixed version of %s is known: try a newer digest of %s, or one without that package", p.Name, base)
	default:
		return fmt.Sprintf("take a newer digest of %s, with %s %s", base, p.Name, strings.Join(p.Fixed, " or "))
	}
}

// ours tells whether a finding in Go code is in a program of the image's own.
func ours(f finding.Finding, img plan.Image) bool {
	if f.Package.Kind != StandardLibrary && f.Package.Kind != GoModule {
		return true
	}
	return len(f.Paths) == 0 || slices.ContainsFunc(img.Mains, func(m plan.Main) bool {
		return slices.Contains(f.Paths, inImage(m.Path()))
	})
}

// release says which Go release to build with.
func release(p *finding.Package, img plan.Image) string {
	have := strings.TrimPrefix(p.Installed, "v")
	next, ok := smallest(p, func(string) bool { return true })
	if !ok {
		return fmt.Sprintf("no release after Go %s is known to have a fix: look for one", have)
	}
	next = strings.TrimPrefix(next, "v")
	if tag := strings.Replace(img.Builder.Tag, have, next, 1); img.Builder.Tag != tag {
		return fmt.Sprintf("build with Go %s: pin %s:%s as the builder", next, img.Builder.Name, tag)
	}
	return fmt.Sprintf("build with Go %s: pin an image of it as the builder", next)
}

// upgrade says which version of a module to require.
func upgrade(p *finding.Package) string {
	_, major, ok := module.SplitPathVersion(p.Name)
	// The line below is one that people paste into a shell.
	if !ok || module.CheckPath(p.Name) != nil {
		return fmt.Sprintf("look for the module %q by hand: that is no path of one", p.Name)
	}
	if next, ok := smallest(p, func(v string) bool { return module.CheckPathMajor(v, major) == nil }); ok {
		return fmt.Sprintf("go get %s@%s && go mod tidy", p.Name, next)
	}
	// The fix is in another major version, which is another module.
	if next, ok := smallest(p, func(string) bool { return true }); ok {
		return fmt.Sprintf("%s has no fixed version: move to %s of the module, which has another path", p.Name, next)
	}
	return fmt.Sprintf("no fixed version of %s is known: see whether the program needs it", p.Name)
}

// smallest returns the smallest of the fixed versions that are above the installed one
// and fit, with its v.
func smallest(p *finding.Package, fits func(version string) bool) (string, bool) {
	have := canonical(p.Installed)
	best := ""
	for _, v := range p.Fixed {
		v = canonical(v)
		if strings.HasSuffix(p.Installed, "+incompatible") && !strings.HasSuffix(v, "+incompatible") {
			v += "+incompatible"
		}
		if semver.IsValid(v) && fits(v) && (have == "" || semver.Compare(v, have) > 0) && (best == "" || semver.Compare(v, best) < 0) {
			best = v
		}
	}
	return best, best != ""
}

// canonical is a version with its v and all of its three numbers, as the go command
// writes it: advisories leave the v out. It is empty if it is none.
func canonical(version string) string {
	v := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(v) {
		return ""
	}
	return semver.Canonical(v) + semver.Build(v)
}
