package sbom

import (
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/urn"
)

// The part of CycloneDX 1.6 that is written. https://cyclonedx.org/docs/1.6/json/
type (
	cdxDocument struct {
		Schema       string           `json:"$schema"`
		Format       string           `json:"bomFormat"`
		Version      string           `json:"specVersion"`
		Serial       string           `json:"serialNumber"`
		Revision     int              `json:"version"`
		Metadata     cdxMetadata      `json:"metadata"`
		Components   []cdxComponent   `json:"components"`
		Dependencies []cdxDependency  `json:"dependencies"`
		Compositions []cdxComposition `json:"compositions,omitempty"`
	}
	cdxMetadata struct {
		Timestamp string       `json:"timestamp"`
		Tools     cdxTools     `json:"tools"`
		Component cdxComponent `json:"component"`
	}
	cdxTools struct {
		Components []cdxComponent `json:"components"`
	}
	cdxComponent struct {
		Type       string        `json:"type"`
		Ref        string        `json:"bom-ref,omitempty"`
		Name       string        `json:"name"`
		Version    string        `json:"version,omitempty"`
		Hashes     []cdxHash     `json:"hashes,omitempty"`
		Licences   []cdxLicence  `json:"licenses,omitempty"`
		CPE        string        `json:"cpe,omitempty"`
		PURL       string        `json:"purl,omitempty"`
		Pedigree   *cdxPedigree  `json:"pedigree,omitempty"`
		Properties []cdxProperty `json:"properties,omitempty"`
	}
	cdxHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	cdxLicence struct {
		Expression string `json:"expression"`
		// Acknowledgement says whose word it is.
		Acknowledgement string `json:"acknowledgement"`
	}
	cdxPedigree struct {
		Ancestors []cdxComponent `json:"ancestors"`
	}
	cdxProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxDependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
	cdxComposition struct {
		Aggregate    string   `json:"aggregate"`
		Assemblies   []string `json:"assemblies,omitempty"`
		Dependencies []string `json:"dependencies,omitempty"`
	}
)

// maxVersion is how many letters the schema allows.
const maxVersion = 1024

var cdxTypes = map[kind]string{
	container: "container", distribution: "operating-system", program: "application", module: "library", distributed: "library", file: "file",
}

// CycloneDX says what is in an image in CycloneDX 1.6.
func CycloneDX(s Subject) (*attest.Statement, error) {
	b, err := s.bill()
	if err != nil {
		return nil, err
	}
	doc := cdxDocument{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Version: "1.6", Revision: 1,
		Metadata: cdxMetadata{
			Timestamp: s.Plan.Time().Format(time.RFC3339),
			Tools:     cdxTools{[]cdxComponent{{Type: "application", Name: "slipway", Version: s.Slipway}}},
			Component: cdxOf(b.image),
		},
		Components: []cdxComponent{},
	}
	if b.base != nil {
		below := cdxOf(*b.base)
		below.Ref = ""
		doc.Metadata.Component.Pedigree = &cdxPedigree{[]cdxComponent{below}}
	}
	for _, c := range append([]component{b.image}, b.parts...) {
		if c.kind != container {
			doc.Components = append(doc.Components, cdxOf(c))
		}
		on := slices.Sorted(slices.Values(slices.Concat(b.contains[c.ref], b.uses[c.ref])))
		doc.Dependencies = append(doc.Dependencies, cdxDependency{c.ref, on})
	}
	doc.Compositions = compositions(b)
	if doc.Serial, err = urn.Of("sbom", doc); err != nil {
		return nil, err
	}
	return attest.New(attest.CycloneDX, doc, s.Image.Digest)
}

func cdxOf(c component) cdxComponent {
	made := cdxComponent{Type: cdxTypes[c.kind], Ref: c.ref, Name: c.name, Version: c.version, CPE: c.cpe, PURL: c.purl}
	if made.Name == "" {
		made.Name = "unknown"
	}
	// No version is that long, and the schema refuses it.
	if len(made.Version) > maxVersion {
		made.Version = ""
	}
	if c.sha256 != "" {
		made.Hashes = []cdxHash{{"SHA-256", c.sha256}}
	}
	if c.licence != "" {
		made.Licences = []cdxLicence{{c.licence, "declared"}}
	}
	for _, p := range []cdxProperty{{"slipway:go:h1", c.sum}, {"slipway:go:replaces", c.replaces}, {"slipway:unread", c.unread}} {
		if p.Value != "" {
			made.Properties = append(made.Properties, p)
		}
	}
	return made
}

// compositions say of what the list is complete: of the modules in a program that was
// read, never of the whole image, since a base may have files of nobody's.
func compositions(b *bill) []cdxComposition {
	complete, unknown := cdxComposition{Aggregate: "complete"}, cdxComposition{Aggregate: "unknown"}
	for _, c := range b.parts {
		switch {
		case c.kind == program && c.unread == "":
			complete.Dependencies = append(complete.Dependencies, c.ref)
		case c.kind == program:
			unknown.Dependencies = append(unknown.Dependencies, c.ref)
		}
	}
	if len(b.unlisted) > 0 {
		unknown.Assemblies = []string{b.image.ref}
	}
	var all []cdxComposition
	for _, c := range []cdxComposition{complete, unknown} {
		if len(c.Dependencies)+len(c.Assemblies) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// unlistedWords say in a sentence which packages are missing.
func (b *bill) unlistedWords() string {
	if len(b.unlisted) == 0 {
		return ""
	}
	return "Packages are missing that are listed in " + strings.Join(b.unlisted, ", ") + "."
}
