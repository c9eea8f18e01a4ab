// Package receipt holds what a run did: which images it made, of what plan, and what
// every gate said of them. Its JSON is the record that other forms of report are made
// from, also later.
package receipt

import (
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// Schema names the form of a receipt. It changes when a field changes its meaning or
// goes away, not when one is added.
const Schema = "slipway.receipt/1"

// Receipt is the record of one run. All but Run is the same wherever and whenever the
// same source was judged with the same database.
type Receipt struct {
	Schema string `json:"schema"`
	// Slipway is the version of the program.
	Slipway string  `json:"slipway"`
	Verdict Verdict `json:"verdict"`
	// Gates are in the order of finding.Gates.
	Gates    []finding.Gate    `json:"gates"`
	Findings []finding.Finding `json:"findings"`
	Images   []Image           `json:"images"`
	Tests    *finding.Tests    `json:"tests,omitempty"`
	Scanner  *Scanner          `json:"scanner,omitempty"`
	// Policy is what findings were held against.
	Policy plan.Policy `json:"policy"`
	// Origins say where each value of the plan came from.
	Origins map[string]string `json:"origins,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
	Run     Run               `json:"run"`
}

// Verdict is how a run ended.
type Verdict string

// The verdicts.
const (
	Passed   Verdict = "passed"
	Failed   Verdict = "failed"
	Unjudged Verdict = "unjudged"
	// Unpublished passed, and a registry did not take all of it.
	Unpublished Verdict = "unpublished"
)

// Image is one image of the run: an index, and what is in each of its images.
type Image struct {
	Name string `json:"name"`
	// Digest is the index's.
	Digest string     `json:"digest"`
	Plan   plan.Image `json:"plan"`
	// Inspection is what was read from the assembled bytes.
	Inspection *inspect.Report `json:"inspection,omitempty"`
	// Growth is counted from the last image in the output folder.
	Growth []inspect.Growth `json:"growth,omitempty"`
}

// Scanner is what looked for vulnerabilities.
type Scanner struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Database is where its database came from, and its digest there.
	Database string    `json:"database"`
	Digest   string    `json:"digest"`
	Updated  time.Time `json:"updated"`
	// Reach names the database of calls, or says why nobody knows what is called.
	Reach string `json:"reach"`
}

// Run is what differs from run to run: place, time and means.
type Run struct {
	Engine string `json:"engine"`
	// Smoke says how each image was started.
	Smoke   []string  `json:"smoke,omitempty"`
	Plan    plan.Run  `json:"plan"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Publications are by image, then by repository.
	Publications []Publication `json:"publications,omitempty"`
	// Steps are in the order of their start.
	Steps []Step `json:"steps"`
}

// Step is one step of a run.
type Step struct {
	Name string `json:"name"`
	// Outcome is done, cached or failed, or empty for a step that had not ended.
	Outcome string `json:"outcome"`
	Summary string `json:"summary,omitempty"`
	// After is when it began and Took how long it took, in milliseconds.
	After int64 `json:"after"`
	Took  int64 `json:"took"`
}

// Gate returns the gate of that name.
func (r *Receipt) Gate(name string) (finding.Gate, bool) {
	for _, g := range r.Gates {
		if g.Name == name {
			return g, true
		}
	}
	return finding.Gate{}, false
}
