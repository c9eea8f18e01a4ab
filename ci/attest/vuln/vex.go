package vuln

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/purl"
	"example.com/slipway/ci/attest/urn"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// The part of OpenVEX 0.2.0 that is written. https://github.com/openvex/spec
type (
	vexDocument struct {
		Context    string         `json:"@context"`
		ID         string         `json:"@id"`
		Author     string         `json:"author"`
		Timestamp  time.Time      `json:"timestamp"`
		Version    int            `json:"version"`
		Tooling    string         `json:"tooling"`
		Statements []vexStatement `json:"statements"`
	}
	vexStatement struct {
		Vulnerability vexVulnerability `json:"vulnerability"`
		Products      []vexProduct     `json:"products"`
		Status        string           `json:"status"`
		Notes         string           `json:"status_notes,omitempty"`
		Justification string           `json:"justification,omitempty"`
		Impact        string           `json:"impact_statement,omitempty"`
		Action        string           `json:"action_statement,omitempty"`
	}
	vexVulnerability struct {
		Name    string   `json:"name"`
		Aliases []string `json:"aliases,omitempty"`
	}
	vexProduct struct {
		vexPart
		Parts []vexPart `json:"subcomponents,omitempty"`
	}
	vexPart struct {
		ID string `json:"@id"`
	}
)

// VEX says of which findings somebody decided, and how. It is nil where there is none.
// The repositories are those that the image goes to; a product has to name them for
// scanners to see that it is the image.
//
// An exception accepts a risk: the image is affected, and the statement says who accepts
// that until when. Another's VEX document, and code that is not called where the policy
// asks for that, say that the image is not affected.
func VEX(r *receipt.Receipt, image receipt.Image, repositories []string, by provenance.Runner) (*attest.Statement, error) {
	var statements []vexStatement
	for _, f := range findings(r, image) {
		if s, ok := decided(f, r.Policy.Reach); ok {
			s.Vulnerability = vexVulnerability{f.ID, f.Aliases}
			s.Products = products(image, f, repositories)
			statements = append(statements, s)
		}
	}
	if len(statements) == 0 {
		return nil, nil
	}
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: by.ID, Timestamp: r.Run.Ended.UTC(), Version: 1,
		Tooling: strings.TrimSpace("slipway " + r.Slipway), Statements: statements,
	}
	id, err := urn.Of("vex", doc)
	if err != nil {
		return nil, err
	}
	doc.ID = id
	return attest.New(attest.OpenVEX, doc, provenance.Subjects(image)...)
}

// decided is what was decided of a finding, if anything was.
func decided(f finding.Finding, reach string) (vexStatement, bool) {
	switch {
	case f.Status == finding.Accepted:
		return vexStatement{Status: "affected", Action: cmp.Or(f.Reason, "accepted")}, true
	case f.Status == finding.NotAffected:
		return vexStatement{Status: "not_affected", Impact: cmp.Or(f.Reason, "said by a VEX document")}, true
	case f.Status != finding.Noted || reach != "called":
		return vexStatement{}, false
	case f.Reach == finding.Imported:
		return vexStatement{Status: "not_affected", Justification: "vulnerable_code_not_in_execute_path", Notes: f.Reason}, true
	case f.Reach == finding.Present:
		return vexStatement{Status: "not_affected", Justification: "vulnerable_code_not_present", Notes: f.Reason}, true
	}
	return vexStatement{}, false
}

// products are the index and those images that have a finding, in every repository.
func products(image receipt.Image, f finding.Finding, repositories []string) []vexProduct {
	var parts []vexPart
	if f.Package != nil && f.Package.PURL != "" {
		parts = []vexPart{{f.Package.PURL}}
	}
	if len(repositories) == 0 {
		repositories = []string{image.Name}
	}
	var all []vexProduct
	for _, repository := range repositories {
		add := func(digest, arch string) {
			all = append(all, vexProduct{vexPart{purl.Image(repository, digest, arch)}, parts})
		}
		add(image.Digest, "")
		if image.Inspection == nil {
			continue
		}
		for _, i := range image.Inspection.Images {
			if slices.Contains(f.Platforms, i.Platform.String()) {
				add(i.Digest, "")
			}
		}
	}
	return all
}
