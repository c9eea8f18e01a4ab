package base

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// child is an image of a base for one platform.
type child struct {
	platform plan.Platform
	manifest v1.Hash
}

// every returns the platforms that Go builds for Linux, without the higher levels
// of amd64, for which a base has nothing else to offer.
func every() []plan.Platform {
	var all []plan.Platform
	for _, arch := range []string{"386", "amd64", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"} {
		all = append(all, plan.Platform{OS: "linux", Arch: arch})
	}
	for _, variant := range []string{"v5", "v6", "v7"} {
		all = append(all, plan.Platform{OS: "linux", Arch: "arm", Variant: variant})
	}
	slices.SortFunc(all, plan.Platform.Compare)
	return all
}

// buildable returns a platform in this repository's form, and whether it is one
// that Slipway builds.
func buildable(p *v1.Platform) (plan.Platform, bool) {
	if p == nil {
		return plan.Platform{}, false
	}
	raw := plan.Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}
	normal, err := plan.ParsePlatform(raw.String())
	return normal, err == nil
}

// choose returns the child for each wanted platform, or all children. Of several
// children for one platform it takes the first, as container runtimes do.
func choose(base string, have []child, wanted []plan.Platform) (map[plan.Platform]child, error) {
	byPlatform := map[plan.Platform]child{}
	var names []string
	for _, c := range have {
		if _, twice := byPlatform[c.platform]; !twice {
			byPlatform[c.platform] = c
			names = append(names, c.platform.String())
		}
	}
	if len(names) == 0 {
		return nil, fault.New(fault.Usage, "base %s has no image for a platform that Slipway builds", base).
			WithFix("choose a base with Linux images")
	}
	if len(wanted) == 0 {
		return byPlatform, nil
	}
	chosen := map[plan.Platform]child{}
	var missing []string
	for _, p := range wanted {
		p = p.Normal()
		if c, ok := best(byPlatform, p); ok {
			chosen[p] = c
		} else {
			missing = append(missing, p.String())
		}
	}
	if len(missing) > 0 {
		slices.Sort(names)
		return nil, fault.New(fault.Usage, "base %s has no image for %s; it has %s", base,
			strings.Join(missing, ", "), strings.Join(names, ", ")).
			WithFix("build for the platforms that it has, or choose a base that has the others")
	}
	return chosen, nil
}

// best returns the child for a platform, or the one for the next lower level of
// the same architecture, whose programs run there as well.
func best(have map[plan.Platform]child, p plan.Platform) (child, bool) {
	levels := map[string][]string{"amd64": {"v4", "v3", "v2", ""}, "arm": {"v7", "v6", "v5"}}[p.Arch]
	from := slices.Index(levels, p.Variant)
	if from < 0 {
		levels, from = []string{p.Variant}, 0
	}
	for _, level := range levels[from:] {
		if c, ok := have[plan.Platform{OS: p.OS, Arch: p.Arch, Variant: level}]; ok {
			return c, true
		}
	}
	return child{}, false
}
