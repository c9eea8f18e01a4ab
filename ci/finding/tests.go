package finding

import "fmt"

// Tests is what go vet and go test did.
type Tests struct {
	// Race says that the tests ran under the race detector, NoRace why they did not.
	Race   bool   `json:"race"`
	NoRace string `json:"noRace,omitempty"`
	// Vet are the lines of a go vet that fails.
	Vet      []string      `json:"vet,omitempty"`
	Packages []TestPackage `json:"packages"`
}

// TestPackage is one package, by import path.
type TestPackage struct {
	Name string `json:"name"`
	// Outcome is pass, fail or skip, in the words of go test -json; skip is a package
	// without tests.
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds,omitempty"`
	// Output are the lines of the package itself: of a build that fails, of a panic.
	Output []string `json:"output,omitempty"`
	Tests  []Test   `json:"tests,omitempty"`
}

// Test is one test, with its subtests as tests of their own named Parent/Child.
type Test struct {
	Name    string  `json:"name"`
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds,omitempty"`
	// Output are the lines of a test that fails or is skipped.
	Output []string `json:"output,omitempty"`
}

// Summary says in a few words what passed and failed.
func (t *Tests) Summary() string {
	passed, failed, skipped := t.Count()
	text := fmt.Sprintf("%d tests in %d packages", passed+failed+skipped, len(t.Packages))
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text
}

// Count counts tests by outcome: those without subtests, since a parent only repeats
// its children.
func (t *Tests) Count() (passed, failed, skipped int) {
	for _, p := range t.Packages {
		parents := map[string]bool{}
		for _, test := range p.Tests {
			for i := range test.Name {
				if test.Name[i] == '/' {
					parents[test.Name[:i]] = true
				}
			}
		}
		for _, test := range p.Tests {
			switch {
			case parents[test.Name]:
			case test.Outcome == "pass":
				passed++
			case test.Outcome == "fail":
				failed++
			default:
				skipped++
			}
		}
	}
	return passed, failed, skipped
}
