// Package sbom says what is in an image in the forms of SPDX and CycloneDX. It says
// what is known and no more: the modules that Go's linker wrote into the programs, the
// packages that the base's own package manager lists, and the files of the plan.
//
// The same image gives the same bytes: times are the image's epoch, and identifiers
// follow from the content.
package sbom

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/attest/purl"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// Subject is the image of one platform.
type Subject struct {
	Plan  plan.Image
	Image inspect.Image
	// Slipway is the version of the program.
	Slipway string
	// Licence gives a module's licence as an SPDX expression, or "". It may be nil.
	Licence func(path, version string) string
}

// bill is what both forms say. Components but for the first are in an order of their own.
type bill struct {
	// image is the component that everything else is in, base what it stands on.
	image component
	base  *component
	parts []component
	at    map[string]int
	// contains and uses are references by reference: what lies in a thing, and what a
	// program is linked from.
	contains, uses map[string][]string
	// unlisted are files that list packages and could not be read.
	unlisted []string
}

// kind is what a component is.
type kind int

const (
	container kind = iota
	distribution
	program
	module
	distributed
	file
)

type component struct {
	kind kind
	// ref is unique in the bill.
	ref, name, version string
	purl, cpe, licence string
	// sum is a module's checksum in go.sum, which is of its files' names and contents.
	sum, sha256 string
	// replaces is the module in whose place this one is, as path@version.
	replaces string
	// unread says why nothing is known of a program's modules.
	unread string
}

func (s Subject) bill() (*bill, error) {
	if s.Image.Digest == "" {
		return nil, fmt.Errorf("listing what is in %s: nobody looked into it", s.Plan.Name)
	}
	b := &bill{at: map[string]int{}, contains: map[string][]string{}, uses: map[string][]string{}, unlisted: s.Image.Unlisted.Paths}
	_, hex, _ := strings.Cut(s.Image.Digest, ":")
	url := purl.Image(s.Plan.Name, s.Image.Digest, s.Image.Platform.Arch)
	b.image = component{kind: container, ref: url, name: s.Plan.Name, version: s.Image.Digest, purl: url, sha256: hex}
	b.base = baseOf(s.Plan.Base)
	s.distribution(b)
	for _, p := range s.Image.Programs {
		s.program(b, p)
	}
	for _, f := range s.Plan.Files {
		if f.SHA256 != "" {
			c := component{kind: file, ref: "file:/" + f.Path, name: "/" + f.Path, sha256: f.SHA256}
			b.contains[b.image.ref] = append(b.contains[b.image.ref], b.add(c))
		}
	}
	for of, refs := range b.uses {
		slices.Sort(refs)
		b.uses[of] = slices.Compact(refs)
	}
	return b, nil
}

// baseOf is the image below, or nil for nothing.
func baseOf(pin plan.Pin) *component {
	if pin.Digest == "" {
		return nil
	}
	_, hex, _ := strings.Cut(pin.Digest, ":")
	c := component{kind: container, ref: "base", name: pin.Name, version: pin.Digest, sha256: hex}
	// Without a registry it is a base that no image reference leads to.
	if strings.Contains(pin.Name, "/") {
		c.purl = purl.Image(pin.Name, pin.Digest, "")
		c.ref = c.purl
	}
	return &c
}

func (s Subject) distribution(b *bill) {
	distro := inspect.Distribution{}
	if s.Image.Distribution != nil {
		distro = *s.Image.Distribution
	}
	in := b.image.ref
	if distro.ID != "" && len(s.Image.Packages) > 0 {
		// Trivy knows the distribution in an SPDX document by the beginning of its identifier.
		c := component{kind: distribution, ref: "OperatingSystem:" + distro.ID, name: distro.ID, version: distro.Version}
		in = b.add(c)
		b.contains[b.image.ref] = append(b.contains[b.image.ref], in)
	}
	for _, p := range s.Image.Packages {
		url := purl.Package{
			Kind: p.Kind, Distro: distro.ID, Release: distro.Version, Name: p.Name, Version: p.Version, Arch: p.Arch, Source: p.Source,
		}.String()
		c := component{kind: distributed, ref: url, name: p.Name, version: p.Version, purl: url, licence: p.Licence}
		b.contains[in] = append(b.contains[in], b.add(c))
	}
}

func (s Subject) program(b *bill, p inspect.Program) {
	c := component{kind: program, ref: "program:" + p.Path, name: p.Path, unread: p.Unread}
	if p.Go == nil {
		c.unread = cmp.Or(c.unread, "it says nothing of modules")
		b.contains[b.image.ref] = append(b.contains[b.image.ref], b.add(c))
		return
	}
	main := component{kind: module, name: p.Go.Module.Path, version: p.Go.Module.Version}
	if main.version == "(devel)" {
		main.version = ""
	}
	// What was built of the source has the source's version, which the linker was not told.
	if main.name == s.Plan.Module {
		main.version, main.licence = cmp.Or(s.Plan.Version, main.version), expression(s.Plan.Licenses)
	}
	c.version = main.version
	ref := b.add(c)
	b.contains[b.image.ref] = append(b.contains[b.image.ref], ref)
	std := component{
		kind: module, name: "stdlib", version: purl.GoVersion(p.Go.Version), purl: purl.Stdlib(p.Go.Version), licence: "BSD-3-Clause",
		cpe: cpe(p.Go.Version),
	}
	if main.name != "" {
		b.uses[ref] = append(b.uses[ref], s.module(b, main))
	}
	b.uses[ref] = append(b.uses[ref], s.module(b, std))
	for _, d := range p.Go.Dependencies {
		c := component{kind: module, name: d.Path, version: d.Version, sum: d.Sum}
		if d.Replaces != nil {
			c.replaces = d.Replaces.Path + "@" + d.Replaces.Version
			if d.Version == "" {
				// A folder in a module's place: it keeps the name by which it is imported.
				c.name = d.Replaces.Path
			}
		}
		b.uses[ref] = append(b.uses[ref], s.module(b, c))
	}
}

// module adds a module. One without a version is of the source's own, and no package
// that others know, but for the main module.
func (s Subject) module(b *bill, c component) string {
	if c.purl == "" && (c.version != "" || c.replaces == "") {
		c.purl = purl.Go(c.name, c.version)
	}
	if c.licence == "" && s.Licence != nil && c.version != "" {
		c.licence = expression(s.Licence(c.name, c.version))
	}
	c.ref = cmp.Or(c.purl, "module:"+c.name)
	return b.add(c)
}

// add adds a component once and returns its reference. Two that differ may have one
// package URL, which is in lower case.
func (b *bill) add(c component) string {
	plain := c.ref
	for n := 2; ; n++ {
		at, there := b.at[c.ref]
		if !there {
			b.at[c.ref] = len(b.parts)
			b.parts = append(b.parts, c)
		}
		if !there || b.parts[at] == c {
			return c.ref
		}
		c.ref = fmt.Sprintf("%s#%d", plain, n)
	}
}

// cpe names Go in the National Vulnerability Database, where Grype looks it up.
func cpe(release string) string {
	number := strings.TrimPrefix(purl.GoVersion(release), "v")
	if !regexp.MustCompile(`^[0-9.]+$`).MatchString(number) {
		return ""
	}
	return "cpe:2.3:a:golang:go:" + number + ":-:*:*:*:*:*:*"
}

var expressionForm = regexp.MustCompile(`^[A-Za-z0-9.+() -]{1,255}$`)

// expression returns a licence if it has the letters of an SPDX expression.
func expression(text string) string {
	if !expressionForm.MatchString(text) || strings.Contains(text, "LicenseRef-") || strings.Contains(text, "DocumentRef-") {
		return ""
	}
	return text
}
