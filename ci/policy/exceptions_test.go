package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/policy"
)

// exception accepts the usual finding for a while.
func exception(change func(*plan.Exception)) plan.Exception {
	e := plan.Exception{ID: "CVE-2026-78667", Reason: "only reachable by admins", Owner: "ada", Expires: "2027-01-31", Origin: ".slipway.yaml:3"}
	if change != nil {
		change(&e)
	}
	return e
}

func TestApply_AcceptsOnTheWordOfAnException(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		exception func(*plan.Exception)
		change    func(*finding.Finding)
		want      finding.Status
	}{
		{"by its name", nil, nil, finding.Accepted},
		{"by another name", func(e *plan.Exception) { e.ID = "GO-2026-6609" }, nil, finding.Accepted},
		{"in whatever case", func(e *plan.Exception) { e.ID = "ghsa-AAAA-bbbb-cccc" }, nil, finding.Accepted},
		{"not by the beginning of a name", func(e *plan.Exception) { e.ID = "CVE-2026-7866" }, nil, finding.Fails},
		{"in its package", func(e *plan.Exception) { e.Package = "golang.org/x/net" }, nil, finding.Accepted},
		{"not in another package", func(e *plan.Exception) { e.Package = "golang.org/x/text" }, nil, finding.Fails},
		{"not where there is no package", func(e *plan.Exception) { e.Package = "golang.org/x/net" }, func(f *finding.Finding) { f.Package = nil }, finding.Fails},
		{"a rule of another gate", func(e *plan.Exception) { e.ID = "user-root" }, func(f *finding.Finding) {
			f.Gate, f.ID, f.Aliases, f.Package = finding.GateImage, "user-root", nil, nil
		}, finding.Accepted},
		{"also what would be noted", nil, func(f *finding.Finding) { f.Severity = finding.Low }, finding.Accepted},

		{"until the day before", func(e *plan.Exception) { e.Expires = "2026-11-24" }, nil, finding.Accepted},
		{"not on the day", func(e *plan.Exception) { e.Expires = "2026-11-23" }, nil, finding.Fails},
		{"not on a day that is none", func(e *plan.Exception) { e.Expires = "soon" }, nil, finding.Fails},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := usual
			e := exception(tt.exception)
			p.Exceptions = []plan.Exception{e}
			got := apply(t, inNet(tt.change), p)
			require.Equal(t, tt.want, got.Status)
			if tt.want == finding.Accepted {
				require.Equal(t, "accepted by ada until "+e.Expires+": only reachable by admins", got.Reason)
			}
		})
	}
}

func TestApply_FailsForAnExceptionThatMustGo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		exceptions []plan.Exception
		judged     []string
		// want are the names of what fails.
		want []string
		fix  string
	}{
		{"it holds", []plan.Exception{exception(nil)}, finding.Gates(), nil, ""},
		{
			"it has expired", []plan.Exception{exception(func(e *plan.Exception) { e.Expires = "2026-11-01" })},
			finding.Gates(), []string{"policy/exception-expired", "CVE-2026-78667"}, "a later date",
		},
		{
			"it has expired, and what it was for is gone",
			[]plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID, e.Expires = "CVE-2020-1", "2026-11-01" })},
			finding.Gates(), []string{"policy/exception-expired"}, "remove it",
		},
		{
			"it matches nothing", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID = "CVE-2020-1" })},
			finding.Gates(), []string{"policy/exception-unknown"}, "remove it",
		},
		{
			"it matches another package only", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.Package = "golang.org/x/text" })},
			finding.Gates(), []string{"policy/exception-unknown"}, "remove it",
		},
		{
			"nobody looked for vulnerabilities", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID = "CVE-2020-1" })},
			[]string{finding.GateImage, finding.GateLeaks}, nil, "",
		},
		{
			"a rule of a gate that did not judge", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID = "leak/key" })},
			[]string{finding.GateVulnerabilities, finding.GateImage}, nil, "",
		},
		{
			"a rule that nothing breaks", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID = "leak/key" })},
			[]string{finding.GateVulnerabilities, finding.GateImage, finding.GateLeaks}, []string{"policy/exception-unknown"}, "remove it",
		},
		{
			"an expired one for a rule", []plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID, e.Expires = "leak/key", "2026-11-01" })},
			[]string{finding.GateImage}, []string{"policy/exception-expired"}, "remove it",
		},
		{
			"an expired one for a vulnerability, for which nobody looked",
			[]plan.Exception{exception(nil), exception(func(e *plan.Exception) { e.ID, e.Expires = "GHSA-1", "2026-11-01" })},
			[]string{finding.GateImage}, nil, "",
		},
		{
			"an expired one beside its successor", []plan.Exception{exception(func(e *plan.Exception) { e.Expires = "2026-11-01" }), exception(nil)},
			finding.Gates(), []string{"policy/exception-expired"}, "remove it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := usual
			p.Exceptions = tt.exceptions
			var failing []string
			for _, f := range policy.Apply([]finding.Finding{inNet(nil)}, p, nil, tt.judged, now) {
				if f.Status != finding.Fails {
					continue
				}
				failing = append(failing, f.ID)
				if f.Package == nil {
					require.Equal(t, finding.High, f.Severity)
					require.Equal(t, []string{".slipway.yaml:3"}, f.Paths)
					require.Contains(t, f.Fix, tt.fix)
					require.Contains(t, tt.judged, f.Gate)
				}
			}
			require.Equal(t, tt.want, failing)
		})
	}
}

func TestApply_SaysWhenTheExceptionOfAFindingExpired(t *testing.T) {
	t.Parallel()
	p := usual
	p.Exceptions = []plan.Exception{exception(func(e *plan.Exception) { e.Expires = "2026-11-01" })}
	require.Contains(t, apply(t, inNet(nil), p).Reason, "the exception of ada expired on 2026-11-01")
}
