package scan

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"example.com/slipway/ci/finding"
)

// Kinds of packages that a program of Go is made of. Others have the type that their
// package URL has, such as deb.
const (
	GoModule        = "gomod"
	StandardLibrary = "stdlib"
)

// EndOfLife is the rule for a base whose distribution is not kept any more.
const EndOfLife = "base/end-of-life"

// Bounds of what is shown, in characters and entries. Advisories are written by others.
const (
	maxName  = 200
	maxText  = 240
	maxURL   = 500
	maxFixed = 20
)

// findings returns all that the scanner found, one for each vulnerability of a package.
func (r *report) findings(want Expect) []finding.Finding {
	g := &gathered{want: want, at: map[string]int{}}
	for _, s := range r.Results {
		for _, v := range s.Vulnerabilities {
			g.vulnerability(s, v)
		}
		for _, leak := range s.Secrets {
			g.secret(s, leak)
		}
	}
	if os := r.Metadata.OS; os != nil && os.EOSL {
		g.add(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: EndOfLife, Severity: finding.Medium,
			What: fmt.Sprintf("%s %s, which the base is of, gets no security updates any more", clean(os.Family, maxName), clean(os.Name, maxName)),
		})
	}
	slices.SortStableFunc(g.list, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(a.Gate, b.Gate), cmp.Compare(a.ID, b.ID), cmp.Compare(key(a), key(b)))
	})
	return g.list
}

// gathered are findings by what makes them the same.
type gathered struct {
	want Expect
	list []finding.Finding
	at   map[string]int
}

func key(f finding.Finding) string {
	parts := []string{f.Gate, f.ID}
	if f.Package != nil {
		parts = append(parts, f.Package.Kind, f.Package.Name, f.Package.Installed)
	} else {
		parts = append(append(parts, f.What), f.Paths...)
	}
	return strings.Join(parts, "\x00")
}

func (g *gathered) add(f finding.Finding) {
	f.Image, f.Platforms = g.want.Image, []string{g.want.Platform}
	i, seen := g.at[key(f)]
	if !seen {
		g.at[key(f)] = len(g.list)
		g.list = append(g.list, f)
		return
	}
	// Several programs have it, or several sources tell of it.
	have := &g.list[i]
	have.Paths, have.Aliases = union(have.Paths, f.Paths), union(have.Aliases, f.Aliases)
	if f.Severity.AtLeast(have.Severity) {
		have.Severity = f.Severity
	}
	if f.Package != nil {
		have.Package.Fixed = union(have.Package.Fixed, f.Package.Fixed)
	}
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

func (g *gathered) vulnerability(s result, v vulnerability) {
	p := &finding.Package{
		Name: clean(v.PkgName, maxName), Kind: kindOf(s, v), Installed: clean(v.InstalledVersion, maxName),
		Fixed: names(strings.Split(v.FixedVersion, ",")), PURL: clean(v.PkgIdentifier.PURL, maxURL),
	}
	f := finding.Finding{
		Gate: finding.GateVulnerabilities, ID: cmp.Or(clean(v.VulnerabilityID, maxName), "unnamed"), Aliases: names(v.VendorIDs),
		Severity: severityOf(v.Severity), What: whatOf(v, p), URL: httpsOnly(v.PrimaryURL), Package: p,
	}
	// A package of the distribution has no file: the target is the distribution.
	if s.Class == "lang-pkgs" {
		f.Paths = []string{inImage(clean(s.Target, maxURL))}
	}
	g.add(f)
}

func (g *gathered) secret(s result, leak secret) {
	what := cmp.Or(clean(leak.Title, maxText), "a secret")
	if leak.StartLine > 0 {
		what += fmt.Sprintf(" in line %d", leak.StartLine)
	}
	f := finding.Finding{
		Gate: finding.GateLeaks, ID: "secret/" + cmp.Or(clean(leak.RuleID, maxName), "unnamed"), Severity: severityOf(leak.Severity), What: what,
	}
	// What is in the configuration has the image for its target.
	if strings.HasPrefix(s.Target, "/") {
		f.Paths = []string{clean(s.Target, maxURL)}
	} else {
		f.What = cmp.Or(clean(leak.Title, maxText), "a secret") + " in the image's configuration"
	}
	g.add(f)
}

// kindOf is what a package is, by its URL: pkg:deb/debian/tar@1.35.
func kindOf(s result, v vulnerability) string {
	if s.Type == "gobinary" {
		if v.PkgName == StandardLibrary {
			return StandardLibrary
		}
		return GoModule
	}
	purl, ok := strings.CutPrefix(v.PkgIdentifier.PURL, "pkg:")
	kind, _, found := strings.Cut(purl, "/")
	if !ok || !found {
		kind = s.Type
	}
	return clean(kind, maxName)
}

func severityOf(text string) finding.Severity {
	s, err := finding.ParseSeverity(text)
	if err != nil {
		return finding.Unknown
	}
	return s
}

// whatOf is the title of a vulnerability, or the first sentence that there is.
func whatOf(v vulnerability, p *finding.Package) string {
	first, _, _ := strings.Cut(strings.TrimSpace(v.Description), "\n")
	first, _, _ = strings.Cut(first, ". ")
	return cmp.Or(clean(v.Title, maxText), clean(first, maxText), "a vulnerability of "+p.Name+" that its advisory does not describe")
}

func names(list []string) []string {
	var out []string
	for _, s := range list[:min(len(list), maxFixed)] {
		if s = clean(s, maxName); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func httpsOnly(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(text) > maxURL || clean(text, maxURL) != text {
		return ""
	}
	return text
}

// clean makes one line of a text that others wrote: at most limit characters, none of
// which a terminal obeys, and no final stop.
func clean(text string, limit int) string {
	// A text of a megabyte is not looked through to its end.
	text = strings.ToValidUTF8(text[:min(len(text), 8*limit)], "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.TrimRight(strings.Join(strings.Fields(text), " "), ".")
	if runes := []rune(text); len(runes) > limit {
		text = strings.TrimSpace(string(runes[:limit-3])) + "..."
	}
	return text
}
