package verify

import (
	"fmt"
	"strings"
	"time"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// Schema names the form of a Report in JSON. It changes when a field changes its
// meaning or goes away, not when one is added.
const Schema = "slipway.verify/1"

// The names of the checks, in the order in which they are reported.
const (
	CheckDigests    = "digests"
	CheckImage      = "image"
	CheckSignature  = config.RequireSignature
	CheckProvenance = config.RequireProvenance
	CheckSBOM       = config.RequireSBOM
	CheckScan       = config.RequireScan
	CheckRebuild    = "rebuild"
)

// Report is what became of every check.
type Report struct {
	Schema string `json:"schema"`
	// Reference is the image as the caller named it.
	Reference string `json:"reference"`
	// Digest is that of the index that the reference named when verification began.
	Digest  string          `json:"digest"`
	Verdict finding.Outcome `json:"verdict"`
	Checks  []finding.Gate  `json:"checks"`
	Images  []Image         `json:"images,omitempty"`
	// Unsigned says that statements were believed that nobody signed.
	Unsigned bool `json:"unsigned,omitempty"`
	// Findings are those of the image, whether or not they refuse it.
	Findings []inspect.Finding `json:"findings,omitempty"`
	// Statements are those that were believed.
	Statements []Statement `json:"statements,omitempty"`
	// Origin is what the provenance says, where it is right.
	Origin *Origin `json:"origin,omitempty"`
	// Differences are between the image and what was built again.
	Differences []Difference `json:"differences,omitempty"`
}

// Image is one platform's image.
type Image struct {
	Platform plan.Platform `json:"platform"`
	Digest   string        `json:"digest"`
	// Compressed is its size in bytes, 0 where it could not be read.
	Compressed int64 `json:"compressed,omitempty"`
}

// Statement is something that is said of the image, and by whom.
type Statement struct {
	Type string `json:"type"`
	// Subject is the digest of the image or index that it is attached to.
	Subject string `json:"subject"`
	// Key is the name of the key that signed, or Identity and Issuer those of the
	// certificate. All are empty for a statement that nobody signed.
	Key      string `json:"key,omitempty"`
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// Signed is when a log or an authority saw the signature, if one did.
	Signed *time.Time `json:"signed,omitempty"`
}

// Err is the verdict as an error of kind Gate, or nil.
func (r *Report) Err() error {
	var failed []finding.Gate
	for _, c := range r.Checks {
		if c.Outcome == finding.Failed {
			failed = append(failed, c)
		}
	}
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return fault.New(fault.Gate, "%s fails the check %s: %s", r.Reference, failed[0].Name, failed[0].Summary).WithFix("%s", failed[0].Fix)
	}
	var names []string
	for _, c := range failed {
		names = append(names, c.Name)
	}
	last := len(names) - 1
	return fault.New(fault.Gate, "%s fails the checks %s and %s", r.Reference, strings.Join(names[:last], ", "), names[last]).
		WithFix("each check says what to do")
}

// Check returns the check of that name.
func (r *Report) Check(name string) (finding.Gate, bool) {
	for _, c := range r.Checks {
		if c.Name == name {
			return c, true
		}
	}
	return finding.Gate{}, false
}

func (r *Report) passed(name, format string, args ...any) {
	r.Checks = append(r.Checks, finding.Gate{Name: name, Outcome: finding.Passed, Summary: fmt.Sprintf(format, args...)})
}

func (r *Report) skipped(name, why string) {
	r.Checks = append(r.Checks, finding.Gate{Name: name, Outcome: finding.Skipped, Summary: why})
}

// failed takes the first of several things that are wrong as the summary.
func (r *Report) failed(name, fix string, wrong ...string) {
	c := finding.Gate{Name: name, Outcome: finding.Failed, Summary: wrong[0], Fix: fix}
	if len(wrong) > 1 {
		c.Summary = fmt.Sprintf("%s, and %d more", wrong[0], len(wrong)-1)
		c.Detail = wrong[1:]
	}
	r.Checks = append(r.Checks, c)
}

func (r *Report) conclude() {
	r.Verdict = finding.Passed
	for _, c := range r.Checks {
		switch {
		case c.Outcome == finding.Failed:
			r.Verdict = finding.Failed
		case c.Outcome == finding.Unjudged && r.Verdict == finding.Passed:
			r.Verdict = finding.Unjudged
		}
	}
}
