// Package statements makes everything that is said of an image that was published, out of
// the receipt of the run. The same receipt gives the same bytes.
package statements

import (
	"fmt"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/sbom"
	"example.com/slipway/ci/attest/vuln"
	"example.com/slipway/ci/receipt"
)

// Facts are what a receipt does not have.
type Facts struct {
	Runner provenance.Runner
	// Remote is the remote of the source's repository as git has it, or empty. What is
	// secret in it is left out.
	Remote string
	// Repositories are those that the image is published in, with their registries.
	Repositories []string
	// Licence gives a module's licence as an SPDX expression, or "". It may be nil.
	Licence func(path, version string) string
}

// Made is a statement, and the image or index that it is to be attached to.
type Made struct {
	// Subject is a digest.
	Subject   string
	Statement *attest.Statement
}

// Of makes the statements about one image of a receipt: for each platform what is in it
// in two forms, for the index how it was built, and what is known of vulnerabilities, if
// anything is. The image has to have been inspected.
func Of(r *receipt.Receipt, image receipt.Image, f Facts) ([]Made, error) {
	if image.Inspection == nil {
		return nil, fmt.Errorf("saying what is in %s: nobody looked into it", image.Name)
	}
	var all []Made
	for _, one := range image.Inspection.Images {
		subject := sbom.Subject{Plan: image.Plan, Image: one, Slipway: r.Slipway, Licence: f.Licence}
		for _, form := range []func(sbom.Subject) (*attest.Statement, error){sbom.SPDX, sbom.CycloneDX} {
			s, err := form(subject)
			if err != nil {
				return nil, err
			}
			all = append(all, Made{one.Digest, s})
		}
	}
	built, err := provenance.New(r, image, f.Remote, f.Runner)
	if err != nil {
		return nil, err
	}
	scanned, err := vuln.Scan(r, image, f.Runner)
	if err != nil {
		return nil, err
	}
	decided, err := vuln.VEX(r, image, f.Repositories, f.Runner)
	if err != nil {
		return nil, err
	}
	for _, s := range []*attest.Statement{built, scanned, decided} {
		if s != nil {
			all = append(all, Made{image.Digest, s})
		}
	}
	return all, nil
}
