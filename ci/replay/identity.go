package replay

import (
	"cmp"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// item is one thing that fails, by a name that is the same on every engine, in every
// folder and at any time.
type item struct{ class, name string }

// The classes of items, in the order in which they are told.
const (
	classTest    = "test"
	classFlaky   = "flaky"
	classPackage = "package"
	classVet     = "vet"
	classFinding = "finding"
	classGate    = "gate"
	classOpen    = "unjudged"
	classError   = "error"
	classReason  = "reason"
)

// Kinds of failures that are not of package fault.
const (
	interrupted = "interrupted"
	terminated  = "terminated"
)

var (
	kindSource, kindTests, kindGate   = fault.Source.String(), fault.Tests.String(), fault.Gate.String()
	kindUnjudged, kindRegistry        = fault.Unjudged.String(), fault.Registry.String()
	kindEngine, kindUsage, kindTheBug = fault.Engine.String(), fault.Usage.String(), fault.Bug.String()
)

// failing are the things that end a run, sorted. A run that an engine or a person ended
// has none.
func failing(r *receipt.Receipt) []item {
	var items []item
	switch f := r.Failure; {
	case f == nil:
	case f.Kind == kindSource:
		items = lines(r, classError, f.Detail)
		if len(items) == 0 {
			items = lines(r, classError, []string{f.What})
		}
	case f.Kind == kindTests, f.Kind == kindGate:
		items = refused(r)
	case f.Kind == kindUnjudged:
		for _, g := range r.Gates {
			if g.Outcome == finding.Unjudged {
				items = append(items, item{classOpen, g.Name})
			}
		}
	case f.Kind == kindRegistry, f.Kind == kindUsage, f.Kind == kindTheBug:
		items = lines(r, classReason, []string{f.What})
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.name, b.name)) })
	return slices.Compact(items)
}

// refused is what the gates refuse.
func refused(r *receipt.Receipt) []item {
	var items []item
	for _, g := range r.Gates {
		if g.Outcome != finding.Failed {
			continue
		}
		var found []item
		if g.Name == finding.GateTests && r.Tests != nil {
			found = testing(r)
		}
		for _, f := range r.Findings {
			if f.Gate == g.Name && f.Status == finding.Fails {
				found = append(found, item{classFinding, findingName(f)})
			}
		}
		if len(found) == 0 {
			found = []item{{classGate, g.Name}}
		}
		items = append(items, found...)
	}
	return items
}

func findingName(f finding.Finding) string {
	if f.Package != nil {
		return plain.Line(f.ID + " in " + f.Package.Name)
	}
	return plain.Line(f.ID)
}

// testing is what fails of tests: themselves, packages that fail outside of them, and
// what go vet says.
func testing(r *receipt.Receipt) []item {
	items := lines(r, classVet, r.Tests.Vet)
	for _, p := range r.Tests.Packages {
		name := plain.Line(p.Name)
		failed := p.Failed()
		for _, test := range failed {
			items = append(items, item{classTest, name + "." + plain.Line(test.Name)})
		}
		if p.Outcome == "fail" && len(failed) == 0 {
			items = append(items, item{classPackage, name})
		}
		for _, test := range p.Flaky() {
			items = append(items, item{classFlaky, name + "." + plain.Line(test.Name)})
		}
	}
	return items
}

// lines are those of a tool, without what names the folder that it ran in.
func lines(r *receipt.Receipt, class string, all []string) []item {
	var items []item
	for _, line := range all {
		line = plain.Line(line)
		if root := r.Run.Plan.Source; len(root) > 1 {
			line = strings.ReplaceAll(strings.ReplaceAll(line, root+"/", ""), root, ".")
		}
		if line = strings.TrimPrefix(strings.TrimSpace(line), "./"); line != "" && !strings.HasPrefix(line, "# ") {
			items = append(items, item{class, line})
		}
	}
	return items
}

// of are the names of the items of a class.
func of(items []item, class string) []string {
	var names []string
	for _, i := range items {
		if i.class == class {
			names = append(names, i.name)
		}
	}
	return names
}
