package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/policy"
)

// now is the clock of all tests: noon, so that days have a before and an after.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// usual is the policy of a source that says nothing.
var usual = plan.Policy{Severity: "high", Unknown: "fail", Unfixed: "note", Reach: "all"}

// inNet is a finding in a module, which each test changes.
func inNet(change func(*finding.Finding)) finding.Finding {
	f := finding.Finding{
		Gate: finding.GateVulnerabilities, ID: "CVE-2026-78667", Aliases: []string{"GO-2026-6609", "GHSA-aaaa-bbbb-cccc"},
		Severity: finding.High, Image: "tide", Platforms: []string{"linux/amd64", "linux/arm64"}, What: "it hangs",
		Package: &finding.Package{
			Name: "golang.org/x/net", Kind: "gomod", Installed: "v0.33.0", Fixed: []string{"0.37.0"}, PURL: "pkg:golang/golang.org/x/net@v0.33.0",
		},
	}
	if change != nil {
		change(&f)
	}
	return f
}

// apply marks one finding, where all gates judged.
func apply(t *testing.T, f finding.Finding, p plan.Policy, docs ...policy.VEX) finding.Finding {
	t.Helper()
	for _, marked := range policy.Apply([]finding.Finding{f}, p, docs, finding.Gates(), now) {
		if marked.ID == f.ID {
			return marked
		}
	}
	require.Fail(t, "the finding is gone")
	return finding.Finding{}
}

func TestApply_FollowsTheRulesOfThePolicy(t *testing.T) {
	t.Parallel()
	severity := func(s finding.Severity) func(*finding.Finding) { return func(f *finding.Finding) { f.Severity = s } }
	reach := func(r finding.Reach) func(*finding.Finding) { return func(f *finding.Finding) { f.Reach = r } }
	unfixed := func(f *finding.Finding) { f.Package.Fixed = nil }
	tests := []struct {
		name   string
		policy func(*plan.Policy)
		change func(*finding.Finding)
		want   finding.Status
		reason string
	}{
		{"at the threshold", nil, nil, finding.Fails, "high, the threshold is high"},
		{"above it", nil, severity(finding.Critical), finding.Fails, "critical, the threshold is high"},
		{"below it", nil, severity(finding.Medium), finding.Noted, "medium, the threshold is high"},
		{"a lower threshold", func(p *plan.Policy) { p.Severity = "medium" }, severity(finding.Medium), finding.Fails, ""},
		{"a higher threshold", func(p *plan.Policy) { p.Severity = "critical" }, nil, finding.Noted, "high, the threshold is critical"},
		{"the lowest threshold", func(p *plan.Policy) { p.Severity = "low" }, severity(finding.Low), finding.Fails, ""},

		{"nobody has rated it", nil, severity(finding.Unknown), finding.Fails, "nobody has rated it yet"},
		{"a severity that nobody knows", nil, severity("negligible"), finding.Fails, "nobody has rated it yet"},
		{"no severity", nil, severity(""), finding.Fails, "nobody has rated it yet"},
		{"unrated ones are noted", func(p *plan.Policy) { p.Unknown = "note" }, severity(finding.Unknown), finding.Noted, "nobody has rated it yet"},
		{"unrated ones fail whatever the threshold is", func(p *plan.Policy) { p.Severity = "critical" }, severity(finding.Unknown), finding.Fails, ""},

		{"nobody has a fix", nil, unfixed, finding.Noted, "no version fixes it"},
		{"what nobody has fixed fails", func(p *plan.Policy) { p.Unfixed = "fail" }, unfixed, finding.Fails, ""},
		{"no fix, no rating", nil, func(f *finding.Finding) { unfixed(f); f.Severity = finding.Unknown }, finding.Noted, "no version fixes it"},
		{"a rule has no fixed version and fails", nil, func(f *finding.Finding) {
			f.Gate, f.ID, f.Package = finding.GateImage, "user-root", nil
		}, finding.Fails, "high, the threshold is high"},

		{"imported, and all count", nil, reach(finding.Imported), finding.Fails, ""},
		{"called", func(p *plan.Policy) { p.Reach = "called" }, reach(finding.Called), finding.Fails, ""},
		{"nobody knows whether it is called", func(p *plan.Policy) { p.Reach = "called" }, nil, finding.Fails, ""},
		{"imported only", func(p *plan.Policy) { p.Reach = "called" }, reach(finding.Imported), finding.Noted, "calls nothing vulnerable"},
		{"present only", func(p *plan.Policy) { p.Reach = "called" }, reach(finding.Present), finding.Noted, "is not in the program"},
		{"the standard library is Go too", func(p *plan.Policy) { p.Reach = "called" }, func(f *finding.Finding) {
			f.Reach, f.Package.Kind = finding.Present, "stdlib"
		}, finding.Noted, "is not in the program"},
		{"reach says nothing of the base", func(p *plan.Policy) { p.Reach = "called" }, func(f *finding.Finding) {
			f.Reach, f.Package.Kind = finding.Present, "deb"
		}, finding.Fails, ""},
		{"the zero policy is the strictest", func(p *plan.Policy) { *p = plan.Policy{} }, func(f *finding.Finding) {
			unfixed(f)
			f.Reach, f.Severity = finding.Present, finding.Low
		}, finding.Fails, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := usual
			if tt.policy != nil {
				tt.policy(&p)
			}
			got := apply(t, inNet(tt.change), p)
			require.Equal(t, tt.want, got.Status)
			require.NotEmpty(t, got.Reason)
			require.Contains(t, got.Reason, tt.reason)
		})
	}
}

func TestApply_DropsNothingAndLeavesItsInput(t *testing.T) {
	t.Parallel()
	list := []finding.Finding{
		inNet(func(f *finding.Finding) { f.Severity = finding.Low }),
		inNet(func(f *finding.Finding) { f.Image = "moon" }),
	}
	got := policy.Apply(list, usual, nil, finding.Gates(), now)
	require.Len(t, got, 2)
	require.Equal(t, []finding.Status{finding.Fails, finding.Noted}, []finding.Status{got[0].Status, got[1].Status}, "what fails is first")
	require.Empty(t, list[0].Status)
	require.NotNil(t, policy.Apply(nil, usual, nil, nil, now), "an empty list in JSON, not null")
}
