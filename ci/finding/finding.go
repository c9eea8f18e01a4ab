// Package finding holds what gates found: plain values that gates make, policy
// marks, and every form of report shows.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that a gate found, on one or several platforms.
type Finding struct {
	// Gate is the name of the gate that found it.
	Gate string `json:"gate"`
	// ID names the vulnerability or the rule: CVE-2026-78667, GHSA-..., image/setuid.
	ID string `json:"id"`
	// Aliases are other names of the same vulnerability.
	Aliases  []string `json:"aliases,omitempty"`
	Severity Severity `json:"severity"`
	// Image is the name of the image in the plan, or "" for the source.
	Image string `json:"image,omitempty"`
	// Platforms are those that have it, sorted.
	Platforms []string `json:"platforms,omitempty"`
	// What is a clause without a final stop.
	What string `json:"what"`
	// Fix is the shortest way out, a clause too. It may be empty where nobody knows one.
	Fix string `json:"fix,omitempty"`
	// URL is where one can read about it.
	URL string `json:"url,omitempty"`
	// Package is what a vulnerability is in.
	Package *Package `json:"package,omitempty"`
	// Paths are files of the image or, with a colon and a line, of the source.
	Paths []string `json:"paths,omitempty"`
	// Reach says whether the program comes to the vulnerable code.
	Reach Reach `json:"reach,omitempty"`
	// Trace is the shortest way there, from the program's own function to the vulnerable one.
	Trace []string `json:"trace,omitempty"`
	// Status says what the policy made of it, and Reason why and on whose word.
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Package is a module, Go's standard library or a package of the base.
type Package struct {
	// Name and Installed are what it is called and the version that is there.
	Name string `json:"name"`
	// Kind is gomod, stdlib or deb, or what else the scanner calls it.
	Kind      string `json:"kind"`
	Installed string `json:"installed"`
	// Fixed are the versions that do not have it, as the advisory lists them.
	Fixed []string `json:"fixed,omitempty"`
	// PURL is the package's URL (https://github.com/package-url/purl-spec).
	PURL string `json:"purl,omitempty"`
}

// Status is what the policy made of a finding.
type Status string

// The statuses. Every finding is reported, whatever its status is.
const (
	// Fails stops the image.
	Fails Status = "fails"
	// Noted does not: it is below the threshold, or nobody has a fix.
	Noted Status = "noted"
	// Accepted has an exception in the configuration that has not expired.
	Accepted Status = "accepted"
	// NotAffected is said by a VEX document.
	NotAffected Status = "not-affected"
)

// Reach says how far the program goes towards vulnerable code.
type Reach string

// How far. The empty Reach says that nobody knows.
const (
	// Called: a function of the program calls vulnerable code.
	Called Reach = "called"
	// Imported: the vulnerable package is in the program, and nothing calls the vulnerable code.
	Imported Reach = "imported"
	// Present: the module is required, and its vulnerable package is not in the program.
	Present Reach = "present"
)

// Severity is how much a finding matters.
type Severity string

// The severities, from the highest. Unknown is a vulnerability that nobody has rated.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Unknown  Severity = "unknown"
)

var order = []Severity{Unknown, Low, Medium, High, Critical}

// ParseSeverity takes a severity in whatever case.
func ParseSeverity(text string) (Severity, error) {
	s := Severity(strings.ToLower(text))
	if !slices.Contains(order, s) {
		return "", fmt.Errorf("%q is none of critical, high, medium, low and unknown", text)
	}
	return s, nil
}

// AtLeast tells whether a severity is t or above. Unknown is below all others.
func (s Severity) AtLeast(t Severity) bool { return slices.Index(order, s) >= slices.Index(order, t) }

// Merge makes one finding of those that differ in their platforms only, and sorts:
// what fails first, then by severity, image, gate and name. Where reach differs
// between platforms, the finding goes as far as any.
func Merge(list []Finding) []Finding {
	byKey := map[string]int{}
	merged := []Finding{}
	for _, f := range list {
		at, seen := byKey[f.key()]
		if !seen {
			byKey[f.key()] = len(merged)
			f.Platforms = slices.Clone(f.Platforms)
			merged = append(merged, f)
			continue
		}
		m := &merged[at]
		m.Platforms = append(m.Platforms, f.Platforms...)
		if f.Reach.further(m.Reach) {
			m.Reach, m.Trace = f.Reach, f.Trace
		}
	}
	for i := range merged {
		slices.Sort(merged[i].Platforms)
		merged[i].Platforms = slices.Compact(merged[i].Platforms)
	}
	slices.SortStableFunc(merged, compare)
	return merged
}

func (f Finding) key() string {
	key := []string{f.Gate, f.ID, f.Image, f.What, string(f.Severity)}
	if f.Package != nil {
		key = append(key, f.Package.Kind, f.Package.Name, f.Package.Installed)
	}
	return strings.Join(append(key, f.Paths...), "\x00")
}

func compare(a, b Finding) int {
	fails := func(f Finding) int {
		if f.Status == Fails {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(fails(a), fails(b)),
		cmp.Compare(slices.Index(order, b.Severity), slices.Index(order, a.Severity)),
		cmp.Compare(a.Image, b.Image), cmp.Compare(a.Gate, b.Gate), cmp.Compare(a.ID, b.ID), cmp.Compare(a.key(), b.key()),
	)
}

func (r Reach) further(than Reach) bool {
	far := []Reach{Present, Imported, "", Called}
	return slices.Index(far, r) > slices.Index(far, than)
}
