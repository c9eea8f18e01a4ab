package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sbom"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/plan"
)

// forms are those of an SBOM that every platform's image has to have.
func forms() []form {
	return []form{{"SPDX", attest.SPDX, sbom.SPDX, spdxParts}, {"CycloneDX", attest.CycloneDX, sbom.CycloneDX, cycloneParts}}
}

type form struct {
	name, predicate string
	// list makes the list of what is in an image, and parts reads the libraries in one.
	list  func(sbom.Subject) (*attest.Statement, error)
	parts func([]byte) (map[library]bool, error)
}

// sbom compares what the SBOMs list with what is in the images: the modules that the
// programs were linked from, and the packages of the base.
func (v *verification) sbom(origin *Origin) {
	r := v.report
	switch {
	case v.said.nobody:
		r.skipped(CheckSBOM, "nobody said whose word counts")
		return
	case v.seen == nil:
		r.skipped(CheckSBOM, "the image is not whole")
		return
	}
	var wrong []string
	some, libraries := false, map[library]bool{}
	for _, one := range v.chain.images {
		for _, f := range forms() {
			list := v.said.of(f.predicate, one.digest.String())
			some = some || len(list) > 0
			parts, why := f.right(list, subject(one, origin))
			if why != "" {
				wrong = append(wrong, fmt.Sprintf("%s for %s: %s", f.name, one.platform, why))
			}
			maps.Copy(libraries, parts)
		}
	}
	switch {
	case len(wrong) == 0:
		r.passed(CheckSBOM, "SPDX and CycloneDX for %s list what is in them, %s%s", plain.Count(len(v.chain.images), "image"), parted(len(libraries)), v.doubt())
	case !some && !v.Trust.Requires(config.RequireSBOM):
		r.skipped(CheckSBOM, "the policy does not ask for one")
	default:
		if !some {
			wrong = append(wrong[:1], v.said.why())
		}
		r.failed(CheckSBOM, "publish it again with this version of Slipway, which attaches an SBOM to each image", wrong...)
	}
}

// doubt says what a statement is worth that nobody signed.
func (v *verification) doubt() string {
	if v.Unsigned {
		return " (unsigned)"
	}
	return ""
}

// right looks for a statement that lists what is in an image, and returns what it lists
// or says why there is none.
func (f form) right(list []statement, s sbom.Subject) (parts map[library]bool, why string) {
	if len(list) == 0 {
		return nil, "there is none"
	}
	made, err := f.list(s)
	if err != nil {
		return nil, err.Error()
	}
	want, err := f.parts(made.Predicate)
	if err != nil {
		return nil, err.Error()
	}
	for _, one := range list {
		got, err := f.parts(one.Predicate)
		if err != nil {
			why = cmp.Or(why, "it is none: "+clause(err))
			continue
		}
		if maps.Equal(got, want) {
			return got, ""
		}
		why = cmp.Or(why, apart(got, want))
	}
	return nil, why
}

// library is a module or a package in a list.
type library struct{ name, version, purl, sum string }

func (l library) String() string {
	return strings.TrimSpace(strings.TrimSuffix(l.name+"@"+l.version, "@") + " " + l.sum)
}

func parted(n int) string {
	if n == 1 {
		return "1 module or package"
	}
	return fmt.Sprintf("%d modules and packages", n)
}

// apart says in what two lists differ.
func apart(got, want map[library]bool) string {
	var parts []string
	if more := only(got, want); more != "" {
		parts = append(parts, "it lists what is not in the image: "+more)
	}
	if less := only(want, got); less != "" {
		parts = append(parts, "it does not list what is in the image: "+less)
	}
	return strings.Join(parts, ", and ")
}

// only names the first of those that are in one list alone.
func only(a, b map[library]bool) string {
	const first = 3
	var names []string
	for l := range a {
		if !b[l] {
			names = append(names, brief(l.String()))
		}
	}
	slices.Sort(names)
	if more := len(names) - first; more > 0 {
		names = append(names[:first], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// subject is what a list is made of: what inspection saw, and what only the plan says,
// or, without a provenance that holds, the image itself.
func subject(one child, origin *Origin) sbom.Subject {
	s := sbom.Subject{Image: *one.seen}
	if origin != nil {
		s.Plan = origin.Plan
		return s
	}
	s.Plan = plan.Image{Version: one.seen.Config.Labels["org.opencontainers.image.version"]}
	if at := slices.IndexFunc(one.seen.Programs, func(p inspect.Program) bool { return p.Entrypoint && p.Go != nil }); at >= 0 {
		s.Plan.Module = one.seen.Programs[at].Go.Module.Path
	}
	return s
}

// spdxParts reads the libraries of an SPDX document, each with its version and sum.
func spdxParts(text []byte) (map[library]bool, error) {
	var doc struct {
		Packages []struct {
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
			Purpose string `json:"primaryPackagePurpose"`
			Refs    []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	all := map[library]bool{}
	for _, p := range doc.Packages {
		if p.Purpose != "LIBRARY" {
			continue
		}
		url, sum := "", ""
		for _, r := range p.Refs {
			switch r.Type {
			case "purl":
				url = r.Locator
			case "go-h1":
				sum = r.Locator
			}
		}
		all[library{p.Name, p.Version, url, sum}] = true
	}
	return all, nil
}

// cycloneParts reads the libraries of a CycloneDX document.
func cycloneParts(text []byte) (map[library]bool, error) {
	var doc struct {
		Components []struct {
			Type       string `json:"type"`
			Name       string `json:"name"`
			Version    string `json:"version"`
			PURL       string `json:"purl"`
			Properties []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"properties"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	all := map[library]bool{}
	for _, c := range doc.Components {
		if c.Type != "library" {
			continue
		}
		sum := ""
		for _, p := range c.Properties {
			if p.Name == "slipway:go:h1" {
				sum = p.Value
			}
		}
		all[library{c.Name, c.Version, c.PURL, sum}] = true
	}
	return all, nil
}
