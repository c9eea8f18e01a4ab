package report

import (
	"cmp"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// Bounds on what a page shows.
const (
	maxFindings = 1000
	maxPaths    = 20
	maxPackages = 2000
	// maxFailures and maxFailureLines bound failing tests, and the lines of one and of all.
	maxFailures     = 200
	maxFailureLines = 500
	maxAllLines     = 5000
)

type findingRow struct {
	Severity, ID, Address, Gate, Image, In, Installed, Fixed, Reach, Platforms, Status string
	What, Fix, Reason                                                                  string
	// Also are its other names, and the file that it is in.
	Also         string
	Trace, Paths []string
	Fails        bool
	// Search is what the filter looks in.
	Search string
}

// findingRows are the findings with those that fail first.
func findingRows(r *receipt.Receipt) []findingRow {
	all := append(sorted(r, finding.Fails), sorted(r, finding.Noted, finding.Accepted, finding.NotAffected)...)
	rows := make([]findingRow, 0, min(len(all), maxFindings))
	for _, f := range all[:min(len(all), maxFindings)] {
		row := findingRow{
			Severity: clean(string(f.Severity)), ID: clean(f.ID), Address: address(f), Gate: clean(f.Gate), In: where(f),
			Reach: clean(string(f.Reach)), Platforms: platforms(r, f), Status: strings.ReplaceAll(clean(string(f.Status)), "-", " "),
			What: clean(f.What), Fix: clean(f.Fix), Reason: clean(f.Reason),
			Trace: cleaned(f.Trace), Fails: f.Status == finding.Fails,
		}
		if len(r.Images) > 1 && row.In != clean(f.Image) {
			row.Image = clean(f.Image)
		}
		if f.Package != nil {
			row.Installed, row.Fixed = clean(f.Package.Installed), cmp.Or(strings.Join(cleaned(f.Package.Fixed), ", "), "no fix")
		}
		also := cleaned(f.Aliases)
		switch {
		case len(f.Paths) > 1:
			row.Paths = cleaned(f.Paths[:min(len(f.Paths), maxPaths)])
		case len(f.Paths) == 1 && f.Package != nil:
			also = append(also, clean(f.Paths[0]))
		}
		row.Also = strings.Join(also, ", ")
		row.Search = strings.ToLower(strings.Join([]string{row.ID, row.In, row.What, row.Gate, row.Image, row.Platforms, row.Reach, row.Also}, " "))
		rows = append(rows, row)
	}
	return rows
}

// choices are the severities and statuses that there are, for the filter.
func choices(rows []findingRow) (severities, statuses []string) {
	for _, row := range rows {
		if !slices.Contains(severities, row.Severity) {
			severities = append(severities, row.Severity)
		}
		if !slices.Contains(statuses, row.Status) {
			statuses = append(statuses, row.Status)
		}
	}
	slices.SortFunc(severities, func(a, b string) int {
		switch x, y := finding.Severity(a), finding.Severity(b); {
		case x == y:
			return 0
		case x.AtLeast(y):
			return -1
		}
		return 1
	})
	return severities, statuses
}

type testsView struct {
	Summary      string
	Vet          []string
	MoreVet      int
	Failures     []failureView
	MoreFailures int
	// Flaky failed, and passed when they were run again.
	Flaky        []failureView
	MoreFlaky    int
	Packages     []testPackageRow
	MorePackages int
}

type failureView struct {
	Package, Test, Took string
	Output              []string
	More                int
}

type testPackageRow struct {
	Name, Outcome, Took string
	// Passed has the flaky ones too.
	Passed, Failed, Flaky, Skipped int
}

func newTests(t *finding.Tests) *testsView {
	if t == nil {
		return nil
	}
	v := &testsView{Summary: clean(t.Summary())}
	v.Vet, v.MoreVet = first(t.Vet, maxOutput)
	room := maxAllLines
	v.Failures, v.MoreFailures = failureViews(failures(t), &room)
	v.Flaky, v.MoreFlaky = failureViews(flaky(t), &room)
	v.MorePackages = len(t.Packages) - maxPackages
	for _, p := range t.Packages[:min(len(t.Packages), maxPackages)] {
		row := testPackageRow{Name: clean(p.Name), Outcome: outcome(p.Outcome), Took: milliseconds(int64(p.Seconds * 1000))}
		row.Passed, row.Failed, row.Skipped = (&finding.Tests{Packages: []finding.TestPackage{p}}).Count()
		row.Flaky = len(p.Flaky())
		v.Packages = append(v.Packages, row)
	}
	return v
}

// failureViews are the first tests of many, with what they printed as far as there is room.
func failureViews(all []failure, room *int) (list []failureView, more int) {
	for _, f := range all[:min(len(all), maxFailures)] {
		one := failureView{Package: clean(f.Package), Test: cmp.Or(clean(f.Test), "outside its tests"), Took: milliseconds(int64(f.Seconds * 1000))}
		one.Output, one.More = first(f.Output, min(maxFailureLines, *room))
		*room -= len(one.Output)
		list = append(list, one)
	}
	return list, len(all) - maxFailures
}

// outcome puts the words of go test into those of gates.
func outcome(s string) string {
	switch s {
	case "pass":
		return "passed"
	case "fail":
		return "failed"
	case "skip":
		return "no tests"
	}
	return clean(s)
}
