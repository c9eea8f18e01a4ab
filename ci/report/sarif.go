package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// writeSARIF writes the findings for code scanning: a rule for each name of a finding,
// and a result for each finding. A gate that failed for another reason, or could not
// judge, is a notification, and so is what a registry did not take.
func writeSARIF(w io.Writer, r *receipt.Receipt) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "Slipway", Version: clean(r.Slipway), Rules: []sarifRule{}}},
		Automation: &sarifAutomation{ID: "slipway/"},
		Bases:      map[string]sarifAnyURI{sourceRoot: {sarifMessage{"The source folder"}}},
		Results:    []sarifResult{}, ColumnKind: "unicodeCodePoints",
		Invocations: []sarifInvocation{{Successful: judgedWell(r), ExitCode: exitCode(r), Notifications: notifications(r)}},
	}
	rules := map[string]int{}
	for _, f := range r.Findings {
		id := cmp.Or(clean(f.ID), "unnamed")
		at, known := rules[id]
		if !known {
			at = len(run.Tool.Driver.Rules)
			rules[id] = at
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(id, f))
		}
		run.Results = append(run.Results, result(r, f, id, at))
	}
	return encode(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// sourceRoot is the name that code scanning gives the folder that was checked out.
const sourceRoot = "%SRCROOT%"

// judgedWell tells whether the source was looked at to its end. Code that does not build
// and tests that fail are no findings, and keep others from being found; findings do not.
func judgedWell(r *receipt.Receipt) bool {
	tests, _ := r.Gate(finding.GateTests)
	broken := r.Failure != nil && !slices.Contains([]string{"gate", "registry"}, r.Failure.Kind)
	return !broken && tests.Outcome != finding.Failed && r.Verdict != receipt.Unjudged && r.Verdict != receipt.Stopped
}

// exitCode is nil where nothing went wrong.
func exitCode(r *receipt.Receipt) *int {
	if r.Failure == nil {
		return nil
	}
	return &r.Failure.Exit
}

func notifications(r *receipt.Receipt) []sarifNotification {
	var list []sarifNotification
	if e := endingOf(r, maxDetail); e != nil && !judgedSo(r) {
		clauses := append([]string{e.What}, e.Lines...)
		list = append(list, sarifNotification{"error", sarifMessage{sentences(append(clauses, headed("Fix: ", e.Fix))...)}, sarifRef{cmp.Or(e.Step, "run")}})
	}
	for _, g := range r.Gates {
		found := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Gate == g.Name && f.Status == finding.Fails })
		if g.Outcome == finding.Unjudged || g.Outcome == finding.Failed && !found {
			list = append(list, sarifNotification{"error", sarifMessage{sentences(g.Name+" "+string(g.Outcome)+": "+g.Summary, headed("Fix: ", g.Fix))}, sarifRef{clean(g.Name)}})
		}
	}
	return append(list, unpublished(r)...)
}

// unpublished are notifications and nothing more: what was found is the same wherever
// it is published, and the judgement succeeded.
func unpublished(r *receipt.Receipt) []sarifNotification {
	var list []sarifNotification
	for _, p := range r.Run.Publications {
		if why := unfinished(p); why != "" {
			list = append(list, sarifNotification{"error", sarifMessage{sentences("publish incomplete in "+p.Repository+": "+why, headed("Fix: ", p.Fix))}, sarifRef{"publish"}})
			continue
		}
		for _, failed := range unattached(r, p) {
			list = append(list, sarifNotification{"warning", sarifMessage{sentences("publish to " + p.Repository + ": " + failed)}, sarifRef{"publish"}})
		}
	}
	return list
}

func rule(id string, f finding.Finding) sarifRule {
	of := sarifRule{
		ID: id, Short: sarifMessage{cmp.Or(clean(f.What), id)}, HelpURI: address(f), Default: sarifLevel{level(f.Severity)},
		Properties: sarifProperties{Tags: []string{"security", cmp.Or(clean(f.Gate), "gate")}, SecuritySeverity: score(f.Severity)},
	}
	if f.Fix != "" {
		of.Help = &sarifMessage{sentences(f.What, headed("Fix: ", f.Fix))}
	}
	return of
}

// level is that of a finding which stops nothing.
func level(s finding.Severity) string {
	if s.AtLeast(finding.Medium) {
		return "warning"
	}
	return "note"
}

// score is in the middle of the range that code scanning calls critical (above 9.0),
// high (from 7.0), medium (from 4.0) or low. What nobody rated has none.
func score(s finding.Severity) string {
	return map[finding.Severity]string{finding.Critical: "9.5", finding.High: "8.0", finding.Medium: "5.5", finding.Low: "2.0"}[s]
}

func result(r *receipt.Receipt, f finding.Finding, id string, rule int) sarifResult {
	mark := fingerprint(f)
	res := sarifResult{
		RuleID: id, RuleIndex: rule, Level: level(f.Severity), Message: sarifMessage{message(r, f)}, Locations: locations(r, f),
		// Code scanning looks at the first name, other tools at whichever they find.
		Fingerprints: map[string]string{"primaryLocationLineHash": mark, "slipwayFinding/v1": mark},
		Suppressions: []sarifSuppression{}, Properties: properties(f),
	}
	switch f.Status {
	case finding.Fails:
		res.Level = "error"
	case finding.Accepted, finding.NotAffected:
		res.Suppressions = append(res.Suppressions, sarifSuppression{"external", "accepted", clean(f.Reason)})
	}
	return res
}

func message(r *receipt.Receipt, f finding.Finding) string {
	what := f.What
	if f.Package != nil {
		what = f.Package.Name + " " + f.Package.Installed + ": " + what
	}
	if on := platforms(r, f); on != "" && on != "all" {
		what += " (" + on + ")"
	}
	return cmp.Or(sentences(what, headed("Called by ", strings.Join(f.Trace, " -> ")), headed("Fix: ", f.Fix)), "a finding without words")
}

// headed is a clause under a title, or nothing.
func headed(title, clause string) string {
	if clause == "" {
		return ""
	}
	return title + clause
}

// sentences puts clauses into sentences.
func sentences(clauses ...string) string {
	var list []string
	for _, c := range clauses {
		if c = clean(c); c != "" {
			list = append(list, strings.TrimSuffix(c, ".")+".")
		}
	}
	return strings.Join(list, " ")
}

// fingerprint stays the same while a finding does: neither its severity nor a version
// makes it another one.
func fingerprint(f finding.Finding) string {
	parts := []string{f.Gate, f.ID, f.Image}
	if f.Package != nil {
		parts = append(parts, f.Package.Kind, f.Package.Name)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(parts, f.Paths...), "\x00")))
	return hex.EncodeToString(sum[:])
}

func properties(f finding.Finding) map[string]any {
	all := map[string]any{"status": clean(string(f.Status)), "severity": clean(string(f.Severity))}
	for name, value := range map[string]string{"reach": string(f.Reach), "image": f.Image} {
		if value != "" {
			all[name] = clean(value)
		}
	}
	if len(f.Platforms) > 0 {
		all["platforms"] = cleaned(f.Platforms)
	}
	if f.Package != nil {
		all["installed"], all["fixed"] = clean(f.Package.Installed), cleaned(f.Package.Fixed)
	}
	return all
}

func cleaned(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, clean(s))
	}
	return out
}

// address is where one can read about a finding: what it says itself, if that is a
// web address, or the page of its name.
func address(f finding.Finding) string {
	if u, err := url.Parse(f.URL); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(f.URL) < 2048 {
		return u.String()
	}
	for prefix, page := range map[string]string{
		"CVE-": "https://nvd.nist.gov/vuln/detail/", "GHSA-": "https://github.com/advisories/", "GO-": "https://pkg.go.dev/vuln/",
	} {
		if strings.HasPrefix(f.ID, prefix) {
			return page + url.PathEscape(f.ID)
		}
	}
	return ""
}
