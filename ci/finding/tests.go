package finding

import (
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/plain"
)

// Tests is what go vet and go test did.
type Tests struct {
	// Race says that the tests ran under the race detector, NoRace why they did not. Both
	// are empty where nobody asked for it.
	Race   bool   `json:"race"`
	NoRace string `json:"noRace,omitempty"`
	// Exposed says what tests could reach of the machine, and why, where they were less
	// apart from it than an engine usually keeps them.
	Exposed string `json:"exposed,omitempty"`
	// Reruns is how often tests that failed were run again.
	Reruns int `json:"reruns,omitempty"`
	// Vet are the lines of a go vet that fails, sorted by message.
	Vet []string `json:"vet,omitempty"`
	// Packages are sorted by name.
	Packages []TestPackage `json:"packages"`
}

// TestPackage is one package, by import path.
type TestPackage struct {
	// Name is the import path.
	Name string `json:"name"`
	// Outcome is pass, fail or skip, in the words of go test -json; skip is a package
	// without tests.
	Outcome string `json:"outcome"`
	// Seconds is how long its tests took.
	Seconds float64 `json:"seconds,omitempty"`
	// Output are the lines of the package itself: of a build that fails, of a panic.
	Output []string `json:"output,omitempty"`
	Tests  []Test   `json:"tests,omitempty"`
}

// Test is one test, with its subtests as tests of their own named Parent/Child.
type Test struct {
	// Name has its parents' before a slash.
	Name string `json:"name"`
	// Outcome is pass, fail, skip, or flaky for one that failed and passed when it was
	// run again.
	Outcome string `json:"outcome"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds,omitempty"`
	// Output are the lines of a test that fails or is skipped.
	Output []string `json:"output,omitempty"`
}

// Sort puts the tests of each package in the order of their names: those of a table
// often run in the order of a map.
func (t *Tests) Sort() {
	for _, p := range t.Packages {
		slices.SortStableFunc(p.Tests, func(a, b Test) int { return strings.Compare(a.Name, b.Name) })
	}
}

// Summary says in a few words what passed and failed.
func (t *Tests) Summary() string {
	passed, failed, skipped := t.Count()
	text := plain.Count(passed+failed+skipped, "test") + " in " + plain.Count(len(t.Packages), "package")
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if flaky := len(t.Flaky()); flaky > 0 {
		text += fmt.Sprintf(", %d flaky", flaky)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	switch {
	case t.Race:
		text += ", with the race detector"
	case t.NoRace != "":
		text += ", without the race detector: " + t.NoRace
	}
	return text
}

// Count counts tests by outcome; flaky ones passed in the end. A test with subtests
// counts only where it fails, or is flaky, by itself: otherwise it repeats its children.
func (t *Tests) Count() (passed, failed, skipped int) {
	for _, p := range t.Packages {
		parents := p.parents()
		failed += len(p.Failed())
		passed += len(p.Flaky())
		for _, test := range p.Tests {
			switch {
			case parents[test.Name], test.Outcome == "fail", test.Outcome == "flaky":
			case test.Outcome == "pass":
				passed++
			default:
				skipped++
			}
		}
	}
	return passed, failed, skipped
}

// Failed are the tests of a package that fail by themselves, and not because one of
// their subtests does.
func (p TestPackage) Failed() []Test { return p.byThemselves("fail") }

// Flaky are the tests of a package that are flaky by themselves.
func (p TestPackage) Flaky() []Test { return p.byThemselves("flaky") }

// Flaky are the flaky tests of all packages.
func (t *Tests) Flaky() []Test {
	var list []Test
	for _, p := range t.Packages {
		list = append(list, p.Flaky()...)
	}
	return list
}

// byThemselves are the tests of that outcome without a subtest that has it too.
func (p TestPackage) byThemselves(outcome string) []Test {
	blamed := map[string]bool{}
	for _, test := range p.Tests {
		if test.Outcome == outcome {
			above(test.Name, func(parent string) { blamed[parent] = true })
		}
	}
	var list []Test
	for _, test := range p.Tests {
		if test.Outcome == outcome && !blamed[test.Name] {
			list = append(list, test)
		}
	}
	return list
}

// parents are the names that have subtests.
func (p TestPackage) parents() map[string]bool {
	names := map[string]bool{}
	for _, test := range p.Tests {
		above(test.Name, func(parent string) { names[parent] = true })
	}
	return names
}

// above calls visit with each name that a test can be a subtest of.
func above(name string, visit func(parent string)) {
	for i := range name {
		if name[i] == '/' {
			visit(name[:i])
		}
	}
}
