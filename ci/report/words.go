package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// summary says in a line how the gates ended and what was published: 3 gates passed,
// 1 failed (tests).
func summary(r *receipt.Receipt) string {
	return judged(r) + headed("; ", publishing(r))
}

func judged(r *receipt.Receipt) string {
	by := map[finding.Outcome][]string{}
	for _, g := range r.Gates {
		by[g.Outcome] = append(by[g.Outcome], clean(g.Name))
	}
	var parts []string
	for _, of := range []struct {
		outcome finding.Outcome
		word    string
		named   bool
	}{{finding.Passed, "passed", false}, {finding.Failed, "failed", true}, {finding.Unjudged, "could not judge", true}, {finding.Skipped, "skipped", true}} {
		names := by[of.outcome]
		if len(names) == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", len(names), of.word)
		if len(parts) == 0 {
			part = fmt.Sprintf("%s %s", plain.Count(len(names), "gate"), of.word)
		}
		if of.named {
			part += " (" + strings.Join(names, ", ") + ")"
		}
		parts = append(parts, part)
	}
	return cmp.Or(strings.Join(parts, ", "), endedAt(r))
}

// sorted returns the findings of a status, in their order.
func sorted(r *receipt.Receipt, statuses ...finding.Status) []finding.Finding {
	var list []finding.Finding
	for _, f := range r.Findings {
		if slices.Contains(statuses, f.Status) {
			list = append(list, f)
		}
	}
	return list
}

// where is what a finding is in: a package, a file, an image or the source.
func where(f finding.Finding) string {
	switch {
	case f.Package != nil:
		return clean(f.Package.Name)
	case len(f.Paths) > 1:
		return fmt.Sprintf("%s and %d more", clean(f.Paths[0]), len(f.Paths)-1)
	case len(f.Paths) == 1:
		return clean(f.Paths[0])
	}
	return cmp.Or(clean(f.Image), "the source")
}

// versions are the one that is there and those that are well.
func versions(f finding.Finding) string {
	if f.Package == nil {
		return ""
	}
	fixed := make([]string, 0, len(f.Package.Fixed))
	for _, v := range f.Package.Fixed {
		fixed = append(fixed, clean(v))
	}
	return clean(f.Package.Installed) + " -> " + cmp.Or(strings.Join(fixed, ", "), "no fix")
}

// platforms are those of a finding, or all where it is on each platform of its image.
func platforms(r *receipt.Receipt, f finding.Finding) string {
	for _, img := range r.Images {
		if img.Name == f.Image && len(f.Platforms) > 1 && len(f.Platforms) == len(img.Plan.Platforms) {
			return "all"
		}
	}
	var list []string
	for _, p := range f.Platforms {
		list = append(list, clean(p))
	}
	return strings.Join(list, ", ")
}

// sizes are the sizes of an image's platforms and their growth: linux/amd64 3.2 MB (+1.4 kB)
// since the last build here.
func sizes(img receipt.Image) string {
	if img.Inspection == nil {
		return ""
	}
	var parts []string
	after := ""
	for _, one := range img.Inspection.Images {
		part := clean(one.Platform.String()) + " " + step.Size(one.Compressed)
		if g, ok := growth(img, one); ok {
			part += " (" + grew(g.Total) + ")"
			after = " since " + since(img)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ") + after
}

// growth is that of one platform, where it was there before.
func growth(img receipt.Image, one inspect.Image) (inspect.Growth, bool) {
	for _, g := range img.Growth {
		if g.Platform == one.Platform && g.Total.Before > 0 {
			return g, true
		}
	}
	return inspect.Growth{}, false
}

// grownBy says of a part's name by how much it grew, or nothing.
func grownBy(parts []inspect.Part) func(string) string {
	by := map[string]string{}
	for _, p := range parts {
		by[p.Name] = grew(p.Change)
	}
	return func(name string) string { return by[name] }
}

func grew(c inspect.Change) string {
	switch by := c.By(); {
	case by > 0:
		return "+" + step.Size(by)
	case by < 0:
		return step.Size(by)
	}
	return "unchanged"
}

// failure is one failing test, or a package that fails outside its tests.
type failure struct {
	Package, Test string
	Seconds       float64
	Output        []string
}

// failures are what to look at: tests that fail by themselves, and packages that fail
// although no test of theirs does.
func failures(t *finding.Tests) []failure {
	if t == nil {
		return nil
	}
	var list []failure
	for _, p := range t.Packages {
		failed := p.Failed()
		for _, test := range failed {
			list = append(list, failure{p.Name, test.Name, test.Seconds, test.Output})
		}
		if p.Outcome == "fail" && len(failed) == 0 {
			list = append(list, failure{p.Name, "", p.Seconds, p.Output})
		}
	}
	return list
}

// milliseconds writes how long a step took: 40 ms, 1.2 s, 2 min 5 s.
func milliseconds(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", max(ms, 0))
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	return fmt.Sprintf("%d min %d s", ms/60_000, ms/1000%60)
}
