package project

import (
	"path"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// highest returns the highest version that tags, which are full ref names, give a
// module in a folder of the repository, or "". Misfit is a tag that would have been
// higher if its major version were the module's.
// Source: https://go.dev/ref/mod#vcs-version
func highest(tags []string, dir, modulePath string) (version, misfit string) {
	prefix, major := tagPrefix(dir, modulePath), pathMajor(modulePath)
	var other string
	for _, tag := range tags {
		v, ok := strings.CutPrefix(tag, "refs/tags/"+prefix)
		switch {
		// A version is written in full, without build metadata, and is no pseudo-version.
		case !ok || semver.Canonical(v) != v || semver.Build(v) != "" || module.IsPseudoVersion(v):
		case modulePath == "" || module.CheckPathMajor(v, major) == nil:
			version = higher(version, v)
		default:
			other = higher(other, v)
		}
	}
	if other != "" && higher(version, other) == other {
		misfit = prefix + other
	}
	return version, misfit
}

func higher(v, w string) string {
	if v == "" || semver.Compare(w, v) > 0 {
		return w
	}
	return v
}

// tagPrefix is what the tags of a module in a folder of the repository begin with:
// the folder, without the last element where that only repeats the major version.
func tagPrefix(dir, modulePath string) string {
	if major, ok := strings.CutPrefix(pathMajor(modulePath), "/"); ok && path.Base(dir) == major {
		dir = path.Dir(dir)
	}
	if dir == "." {
		return ""
	}
	return dir + "/"
}

// pathMajor is the major version at the end of a module path: "", "/v2", ".v2".
func pathMajor(modulePath string) string {
	_, major, ok := module.SplitPathVersion(modulePath)
	if !ok {
		return ""
	}
	return major
}

// number reads decimal digits and nothing else.
func number(s string) (int64, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
