package gocmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
)

const (
	// maxDetail is how many lines of failing tests an error has, maxOfOne how many of
	// one test. The results have more.
	maxDetail = 60
	maxOfOne  = 12
)

// failure tells what go vet and go test found in one sentence.
type failure struct {
	found   *finding.Tests
	unbuilt map[string]bool
	// vet and test are how the commands ended, loose lines that belong to no package.
	vet, test error
	loose     []string
}

// err is nil if nothing fails.
func (f failure) err() error {
	var tests, unbuilt, packages []string
	for _, p := range f.found.Packages {
		switch failed := p.Failed(); {
		case p.Outcome != "fail" && len(failed) == 0:
		case f.unbuilt[p.Name]:
			unbuilt = append(unbuilt, p.Name)
		case len(failed) == 0:
			packages = append(packages, p.Name)
		}
		for _, test := range p.Failed() {
			tests = append(tests, test.Name)
		}
	}
	detail, vetted := f.detail()
	var parts []string
	switch len(tests) {
	case 0:
	case 1:
		parts = append(parts, fmt.Sprintf("the test %s fails", tests[0]))
	default:
		parts = append(parts, fmt.Sprintf("%d tests fail, %s first", len(tests), tests[0]))
	}
	parts = append(append(parts, ofPackages(packages, "fail")...), ofPackages(unbuilt, "do not build")...)
	switch {
	case vetted:
		parts = append(parts, "go vet fails")
	case len(parts) > 0:
	case f.test != nil:
		parts = append(parts, "go test fails")
	case f.vet != nil:
		parts = append(parts, "go vet fails")
	default:
		return nil
	}
	what := strings.Join(parts, ", ")
	if n := len(parts) - 1; n > 0 {
		what = strings.Join(parts[:n], ", ") + ", and " + parts[n]
	}
	err := fault.New(fault.Tests, "%s", what).WithDetail(detail...).WithCause(cmp.Or(f.test, f.vet))
	first := cmp.Or(firstPosition(trimmed(detail)), firstFrame(detail))
	switch {
	case first != "":
		return err.WithFix("correct %s", first)
	case len(tests) == 1:
		return err.WithFix("correct the source or the test")
	case len(tests)+len(packages) > 0:
		return err.WithFix("correct the source or the tests")
	}
	return err.WithFix("run go vet ./... and go test ./... in the source folder")
}

func ofPackages(names []string, verb string) []string {
	switch len(names) {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("the tests of %s %s", names[0], verb)}
	}
	return []string{fmt.Sprintf("the tests of %d packages %s, %s first", len(names), verb, names[0])}
}

// detail are the first lines of all that fails, and whether go vet says anything that
// the compiler does not say too.
func (f failure) detail() (lines []string, vetted bool) {
	seen := map[string]bool{}
	for _, p := range f.found.Packages {
		own := strings.Join(p.Output, "\n")
		failed := p.Failed()
		switch {
		case p.Outcome != "fail" && len(failed) == 0, seen[own] && own != "":
			// A package that does not build fails the tests of all that import it.
			continue
		case !f.unbuilt[p.Name] && len(failed) == 0:
			lines = append(lines, "--- FAIL: "+p.Name)
		}
		seen[own] = true
		for _, line := range p.Output {
			seen[line] = true
		}
		lines = append(lines, some(p.Output)...)
		for _, test := range failed {
			lines = append(append(lines, fmt.Sprintf("--- FAIL: %s (%s)", test.Name, p.Name)), some(test.Output)...)
		}
	}
	for _, line := range f.found.Vet {
		if !seen[line] {
			lines, vetted = append(lines, line), true
		}
	}
	if f.test != nil {
		lines = append(lines, f.loose...)
	}
	return bounded(lines, maxDetail), vetted
}

func some(lines []string) []string { return bounded(lines, maxOfOne) }

// bounded are at most limit lines and one that says how many more there are.
func bounded(lines []string, limit int) []string {
	if len(lines) <= limit+1 {
		return lines
	}
	return append(slices.Clone(lines[:limit]), fmt.Sprintf("and %d more lines", len(lines)-limit))
}

// firstFrame is the first place of the source in a stack, as file:line.
func firstFrame(lines []string) string {
	at, ok := finding.FirstFrame(lines)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

// trimmed takes the indentation away under which a test's own lines stand.
func trimmed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimSpace(line))
	}
	return all
}
