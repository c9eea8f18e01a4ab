package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"example.com/slipway/ci/finding"
)

// VEX is an OpenVEX document that was read: statements of an author on whether
// vulnerabilities affect products. https://github.com/openvex/spec
type VEX struct {
	// File is where it was read from, relative to the source folder.
	File string
	// Author is who says it.
	Author string

	statements []statement
}

// statement is one that can be held against findings.
type statement struct {
	file, author           string
	at                     time.Time
	names                  []string
	products               []product
	status                 string
	justification, because string
}

// product is a thing that a statement speaks of, with the parts of it that it limits
// itself to.
type product struct {
	purls []purl
	parts [][]purl
}

// latest is the newest statement of all documents on a finding. Of two of the same
// time the one that was read later counts.
func latest(documents []VEX, f finding.Finding, module string) (newest statement, ok bool) {
	if f.Gate != finding.GateVulnerabilities {
		return statement{}, false
	}
	for _, doc := range documents {
		for _, s := range doc.statements {
			if s.about(f, module) && (!ok || !s.at.Before(newest.at)) {
				newest, ok = s, true
			}
		}
	}
	return newest, ok
}

// about tells whether a statement is on a finding: on the package that has it, or on
// our image or main module as a whole or limited to that package. What is said of
// somebody else's product with that package in it says nothing of ours.
func (s statement) about(f finding.Finding, module string) bool {
	if !slices.ContainsFunc(s.names, func(name string) bool { return named(f, name) }) {
		return false
	}
	in, known := packageOf(f)
	isPackage := func(p purl) bool { return known && p.covers(in) }
	main, hasMain := parsePURL(module)
	isOurs := func(p purl) bool { return isPackage(p) || p.isImage(f.Image) || hasMain && p.covers(main) }
	return slices.ContainsFunc(s.products, func(p product) bool {
		return slices.ContainsFunc(p.purls, isOurs) &&
			(len(p.parts) == 0 || slices.ContainsFunc(p.parts, func(part []purl) bool { return slices.ContainsFunc(part, isPackage) }))
	})
}

// clears tells whether a statement takes a finding away.
func (s statement) clears() bool { return s.status == notAffected || s.status == fixed }

func (s statement) reason() string {
	says := "that it is fixed"
	if s.status == notAffected {
		says = "that it does not affect the product"
	}
	text := fmt.Sprintf("%s says in %s %s", s.author, s.file, says)
	why := slices.DeleteFunc([]string{s.justification, s.because}, func(w string) bool { return w == "" })
	if len(why) > 0 {
		text += ": " + strings.Join(why, ", ")
	}
	return text
}

// maxWords bounds what is shown of a text in a document, in letters.
const maxWords = 300

// plain makes one short line of a text from a document, which anybody may have written.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	letters := []rune(strings.Join(strings.Fields(text), " "))
	if len(letters) > maxWords {
		letters = append(letters[:maxWords], '…')
	}
	return string(letters)
}
