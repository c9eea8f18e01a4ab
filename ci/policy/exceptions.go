package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
)

// The rules that an exception itself can break.
const (
	expiredRule = "policy/exception-expired"
	unknownRule = "policy/exception-unknown"
)

// exceptions are those of a policy, with what they matched so far.
type exceptions []*exception

type exception struct {
	plan.Exception
	expired, matched bool
}

func newExceptions(list []plan.Exception, now time.Time) exceptions {
	var all exceptions
	for _, e := range list {
		end, err := time.Parse(time.DateOnly, e.Expires)
		all = append(all, &exception{Exception: e, expired: err != nil || !now.Before(end)})
	}
	return all
}

// match returns the first exception that accepts a finding, else the first that did so
// until it expired.
func (all exceptions) match(f finding.Finding) (accepts, expired *exception) {
	for _, e := range all {
		if !named(f, e.ID) || e.Package != "" && (f.Package == nil || f.Package.Name != e.Package) {
			continue
		}
		e.matched = true
		switch {
		case e.expired && expired == nil:
			expired = e
		case !e.expired && accepts == nil:
			accepts = e
		}
	}
	return accepts, expired
}

// named tells whether a finding has a name, in whatever case.
func named(f finding.Finding, id string) bool {
	return strings.EqualFold(f.ID, id) || slices.ContainsFunc(f.Aliases, func(alias string) bool { return strings.EqualFold(alias, id) })
}

// problems are the exceptions that must go, as far as the gates that judged can tell.
func (all exceptions) problems(judged []string) []finding.Finding {
	var list []finding.Finding
	for _, e := range all {
		may := e.gates()
		at := slices.IndexFunc(may, func(gate string) bool { return slices.Contains(judged, gate) })
		if at < 0 {
			continue
		}
		f := finding.Finding{Gate: may[at], Severity: finding.High, Status: finding.Fails}
		if e.Origin != "" {
			f.Paths = []string{e.Origin}
		}
		switch {
		case e.expired:
			f.ID, f.What = expiredRule, fmt.Sprintf("the exception of %s for %s expired on %s", e.Owner, e.about(), e.Expires)
			f.Fix, f.Reason = "remove it, or judge what it accepts again and write a later date", "an exception holds until it expires"
		case !e.matched && !slices.ContainsFunc(may, func(gate string) bool { return !slices.Contains(judged, gate) }):
			f.ID, f.What = unknownRule, fmt.Sprintf("the exception of %s for %s accepts nothing that was found", e.Owner, e.about())
			f.Fix, f.Reason = "remove it, or correct its id or package", "an exception that accepts nothing could accept what nobody has seen yet"
		default:
			continue
		}
		list = append(list, f)
	}
	return list
}

func (e *exception) about() string {
	if e.Package == "" {
		return e.ID
	}
	return e.ID + " in " + e.Package
}

// vulnerabilityForm is how databases name vulnerabilities: CVE-2026-78667, GO-2026-6609.
var vulnerabilityForm = regexp.MustCompile(`(?i)^(?:CVE|GHSA|GO|OSV|DSA|DLA|TEMP)-`)

// gates are those whose findings an exception can accept. What is not named as
// vulnerabilities are can be a rule of any gate that has findings.
func (e *exception) gates() []string {
	gates := []string{finding.GateVulnerabilities, finding.GateImage, finding.GateLeaks}
	if vulnerabilityForm.MatchString(e.ID) {
		return gates[:1]
	}
	return gates
}
