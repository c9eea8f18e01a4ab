package sbom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/urn"
)

// The part of SPDX 2.3 that is written. https://spdx.github.io/spdx-spec/v2.3/
type (
	spdxDocument struct {
		Version       string             `json:"spdxVersion"`
		DataLicence   string             `json:"dataLicense"`
		ID            string             `json:"SPDXID"`
		Name          string             `json:"name"`
		Namespace     string             `json:"documentNamespace"`
		Creation      spdxCreation       `json:"creationInfo"`
		Packages      []spdxPackage      `json:"packages"`
		Relationships []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID        string          `json:"SPDXID"`
		Name      string          `json:"name"`
		Version   string          `json:"versionInfo,omitempty"`
		Download  string          `json:"downloadLocation"`
		Analyzed  bool            `json:"filesAnalyzed"`
		Concluded string          `json:"licenseConcluded"`
		Declared  string          `json:"licenseDeclared"`
		Copyright string          `json:"copyrightText"`
		Checksums []spdxChecksum  `json:"checksums,omitempty"`
		Refs      []spdxReference `json:"externalRefs,omitempty"`
		Purpose   string          `json:"primaryPackagePurpose"`
		Comment   string          `json:"comment,omitempty"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxReference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxRelationship struct {
		Of      string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const (
	noAssertion    = "NOASSERTION"
	spdxDocumentID = "SPDXRef-DOCUMENT"
	// SPDX has no algorithm for go.sum's checksums, which are no digests of a file.
	h1Reference = "go-h1"
)

var spdxPurposes = map[kind]string{
	container: "CONTAINER", distribution: "OPERATING_SYSTEM", program: "APPLICATION", module: "LIBRARY", distributed: "LIBRARY", file: "FILE",
}

// SPDX says what is in an image in SPDX 2.3.
func SPDX(s Subject) (*attest.Statement, error) {
	b, err := s.bill()
	if err != nil {
		return nil, err
	}
	doc := spdxDocument{
		Version: "SPDX-2.3", DataLicence: "CC0-1.0", ID: spdxDocumentID, Name: b.image.name + "@" + b.image.version,
		Creation:      spdxCreation{s.Plan.Time().Format(time.RFC3339), []string{"Tool: slipway-" + cmp.Or(s.Slipway, "unknown")}},
		Relationships: []spdxRelationship{{spdxDocumentID, "DESCRIBES", spdxID(b.image.ref)}},
	}
	image := spdxOf(b.image)
	image.Comment = b.unlistedWords()
	doc.Packages = []spdxPackage{image}
	if b.base != nil {
		doc.Packages = append(doc.Packages, spdxOf(*b.base))
		doc.Relationships = append(doc.Relationships, spdxRelationship{spdxID(b.image.ref), "DESCENDANT_OF", spdxID(b.base.ref)})
	}
	for _, c := range append([]component{b.image}, b.parts...) {
		if c.kind != container {
			doc.Packages = append(doc.Packages, spdxOf(c))
		}
		for _, ref := range b.contains[c.ref] {
			doc.Relationships = append(doc.Relationships, spdxRelationship{spdxID(c.ref), "CONTAINS", spdxID(ref)})
		}
		for _, ref := range b.uses[c.ref] {
			doc.Relationships = append(doc.Relationships, spdxRelationship{spdxID(c.ref), "DEPENDS_ON", spdxID(ref)})
		}
	}
	if doc.Namespace, err = urn.Of("sbom", doc); err != nil {
		return nil, err
	}
	return attest.New(attest.SPDX, doc, s.Image.Digest)
}

func spdxOf(c component) spdxPackage {
	p := spdxPackage{
		ID: spdxID(c.ref), Name: cmp.Or(c.name, "unknown"), Version: c.version, Download: noAssertion,
		Concluded: noAssertion, Declared: cmp.Or(c.licence, noAssertion), Copyright: noAssertion, Purpose: spdxPurposes[c.kind],
	}
	if c.sha256 != "" {
		p.Checksums = []spdxChecksum{{"SHA256", c.sha256}}
	}
	for _, r := range []spdxReference{{"PACKAGE-MANAGER", "purl", c.purl}, {"SECURITY", "cpe23Type", c.cpe}, {"OTHER", h1Reference, c.sum}} {
		if r.Locator != "" {
			p.Refs = append(p.Refs, r)
		}
	}
	switch {
	case c.replaces != "":
		p.Comment = "It is in the place of " + c.replaces + "."
	case c.unread != "":
		p.Comment = "Its modules are not known: " + c.unread + "."
	}
	return p
}

// spdxID makes an identifier of a reference: its letters that may be in one, and a part
// of its digest, since others may have the same letters.
func spdxID(ref string) string {
	const length = 80
	letters := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.':
			return r
		}
		return '-'
	}, ref)
	sum := sha256.Sum256([]byte(ref))
	return "SPDXRef-" + letters[:min(length, len(letters))] + "-" + hex.EncodeToString(sum[:6])
}
