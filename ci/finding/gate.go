package finding

// The names of the gates, in the order in which they are reported.
const (
	GateTests           = "tests"
	GateImage           = "image"
	GateLeaks           = "leaks"
	GateVulnerabilities = "vulnerabilities"
	GateSmoke           = "smoke"
	GateReproducible    = "reproducible"
)

// Gates are all names, in their order.
func Gates() []string {
	return []string{GateTests, GateImage, GateLeaks, GateVulnerabilities, GateSmoke, GateReproducible}
}

// Gate is how one gate ended.
type Gate struct {
	// Name is tests, image, leaks, vulnerabilities, smoke or reproducible.
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Summary says in a few words what was judged, or why it was not.
	Summary string `json:"summary"`
	// Fix says what a user can do where the outcome is not Passed.
	Fix string `json:"fix,omitempty"`
	// Detail are lines of the tool that failed.
	Detail []string `json:"detail,omitempty"`
}

// Outcome is how a gate ended.
type Outcome string

// The outcomes.
const (
	Passed Outcome = "passed"
	Failed Outcome = "failed"
	// Unjudged could not judge; nothing may pass it.
	Unjudged Outcome = "unjudged"
	// Skipped was not wanted, and the summary says by whom.
	Skipped Outcome = "skipped"
)
