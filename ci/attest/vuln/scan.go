// Package vuln says what is known of an image's vulnerabilities: what the scanner found
// and what the gate made of it, and of which findings somebody said something.
package vuln

import (
	"cmp"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
)

// The predicate of cosign's vulnerability attestations, with when the database was
// updated as in-toto's has it.
// https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md
// https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md
type (
	predicate struct {
		Invocation invocation `json:"invocation"`
		Scanner    scanner    `json:"scanner"`
		Metadata   metadata   `json:"metadata"`
	}
	invocation struct {
		Parameters []string `json:"parameters"`
		URI        string   `json:"uri"`
		Event      string   `json:"event_id"`
		Builder    string   `json:"builder.id"`
	}
	scanner struct {
		URI     string   `json:"uri"`
		Version string   `json:"version"`
		DB      database `json:"db"`
		Result  Result   `json:"result"`
	}
	database struct {
		URI     string     `json:"uri"`
		Version string     `json:"version"`
		Updated *time.Time `json:"lastUpdate,omitempty"`
	}
	metadata struct {
		Started  time.Time `json:"scanStartedOn"`
		Finished time.Time `json:"scanFinishedOn"`
	}
)

// Result is what was found, all of it, and how it was judged.
type Result struct {
	Gate finding.Gate `json:"gate"`
	// Threshold, Unfixed and the like are the policy that findings were held against.
	Policy Policy `json:"policy"`
	// Reach names the database of calls, or says why nobody knows what is called.
	Reach    string            `json:"reach,omitempty"`
	Findings []finding.Finding `json:"findings"`
}

// Policy is the part of the policy that decides by rule. Exceptions are told of each
// finding that has one.
type Policy struct {
	Severity string `json:"severity"`
	Unknown  string `json:"unknown"`
	Unfixed  string `json:"unfixed"`
	Reach    string `json:"reach"`
}

// Scan says what the scanner found in an image. It is nil where nobody looked.
func Scan(r *receipt.Receipt, image receipt.Image, by provenance.Runner) (*attest.Statement, error) {
	gate, judged := r.Gate(finding.GateVulnerabilities)
	if r.Scanner == nil || !judged || gate.Outcome == finding.Skipped || gate.Outcome == finding.Unjudged {
		return nil, nil
	}
	started, finished := times(r, image.Plan)
	p := predicate{
		Invocation: invocation{Parameters: []string{}, URI: by.Invocation, Builder: by.ID},
		Scanner: scanner{
			URI: "pkg:github/aquasecurity/" + r.Scanner.Name + "@v" + strings.TrimPrefix(r.Scanner.Version, "v"), Version: r.Scanner.Version,
			DB: database{URI: r.Scanner.Database, Version: r.Scanner.Digest},
			Result: Result{
				Gate: gate, Policy: Policy{r.Policy.Severity, r.Policy.Unknown, r.Policy.Unfixed, r.Policy.Reach},
				Reach: r.Scanner.Reach, Findings: findings(r, image),
			},
		},
		Metadata: metadata{started, finished},
	}
	if !r.Scanner.Updated.IsZero() {
		updated := r.Scanner.Updated.UTC()
		p.Scanner.DB.Updated = &updated
	}
	return attest.New(attest.Scan, p, provenance.Subjects(image)...)
}

// findings are those of an image's vulnerabilities, in the receipt's order.
func findings(r *receipt.Receipt, image receipt.Image) []finding.Finding {
	list := []finding.Finding{}
	for _, f := range r.Findings {
		if f.Gate == finding.GateVulnerabilities && f.Image == image.Name {
			list = append(list, f)
		}
	}
	return list
}

// times are when the first scan of an image began and the last one ended, or those of
// the run where no step tells.
func times(r *receipt.Receipt, image plan.Image) (started, finished time.Time) {
	first, last := int64(-1), int64(-1)
	for _, s := range r.Run.Steps {
		if !scans(s.Name, image) {
			continue
		}
		if first < 0 || s.After < first {
			first = s.After
		}
		last = max(last, s.After+s.Took)
	}
	if first < 0 {
		return r.Run.Started.UTC(), r.Run.Ended.UTC()
	}
	at := func(ms int64) time.Time { return r.Run.Started.UTC().Add(time.Duration(ms) * time.Millisecond) }
	return at(first), at(last)
}

// scans tells whether a step is the scan of an image: "scan linux/amd64", or with the
// image's name where there are several.
func scans(step string, image plan.Image) bool {
	what, ok := strings.CutPrefix(step, "scan ")
	if !ok {
		return false
	}
	for _, p := range image.Platforms {
		if name, found := strings.CutSuffix(what, p.String()); found && cmp.Or(strings.TrimSpace(name), image.Name) == image.Name {
			return true
		}
	}
	return false
}
