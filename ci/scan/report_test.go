package scan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/scan"
)

// The report in testdata is one of the real scanner, as ci/e2e makes it, of an image
// that has a finding of every kind.
func real(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/report.json")
	require.NoError(t, err)
	return text
}

var sounding = scan.Expect{
	Image: "sounding", Platform: "linux/amd64", MainModule: "example.com/sounding", Release: "go1.26.8", Programs: []string{"app/sounding"},
}

func TestParse_ReadsARealReport(t *testing.T) {
	t.Parallel()
	list, err := scan.Parse(engine.Scanned{Report: real(t)}, sounding)
	require.NoError(t, err)
	in := func(f finding.Finding) finding.Finding {
		f.Image, f.Platforms = "sounding", []string{"linux/amd64"}
		return f
	}
	standard := &finding.Package{
		Name: "stdlib", Kind: scan.StandardLibrary, Installed: "v1.26.8", Fixed: []string{"1.26.9", "1.27.2"}, PURL: "pkg:golang/stdlib@v1.26.8",
	}
	require.Equal(t, []finding.Finding{
		in(finding.Finding{
			Gate: finding.GateLeaks, ID: "secret/aws-access-key-id", Severity: finding.Critical,
			What: "AWS Access Key ID in line 2", Paths: []string{"/etc/credentials"},
		}),
		in(finding.Finding{
			Gate: finding.GateLeaks, ID: "secret/github-pat", Severity: finding.Critical,
			What: "GitHub Personal Access Token in the image's configuration",
		}),
		in(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-2005-2541", Severity: finding.Low,
			What: "tar: does not warn of setuid files when it extracts", URL: "https://avd.aquasec.com/nvd/cve-2005-2541",
			Package: &finding.Package{Name: "tar", Kind: "deb", Installed: "1.35+dfsg-3.1", PURL: "pkg:deb/debian/tar@1.35%2Bdfsg-3.1?arch=amd64&distro=debian-13.1"},
		}),
		in(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-2022-32149", Aliases: []string{"GO-2022-1059", "GHSA-69ch-w2m2-3vjp"}, Severity: finding.High,
			What: "golang.org/x/text/language: ParseAcceptLanguage takes a long time", URL: "https://avd.aquasec.com/nvd/cve-2022-32149",
			Package: &finding.Package{
				Name: "golang.org/x/text", Kind: scan.GoModule, Installed: "v0.3.7", Fixed: []string{"0.3.8"}, PURL: "pkg:golang/golang.org/x/text@v0.3.7",
			},
			Paths: []string{"/app/sounding"},
		}),
		in(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-2024-51744", Aliases: []string{"GHSA-29wx-vh33-7x7r"}, Severity: finding.Low,
			What: "golang-jwt: errors of ParseWithClaims are easily misread", URL: "https://avd.aquasec.com/nvd/cve-2024-51744",
			Package: &finding.Package{
				Name: "github.com/golang-jwt/jwt/v4", Kind: scan.GoModule, Installed: "v4.5.0", Fixed: []string{"4.5.1"}, PURL: "pkg:golang/github.com/golang-jwt/jwt/v4@v4.5.0",
			},
			Paths: []string{"/app/sounding"},
		}),
		in(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-2026-56866", Aliases: []string{"GO-2026-6605"}, Severity: finding.Unknown,
			What: "net/http: a CONNECT request with a body confuses HTTP/1 connections", URL: "https://avd.aquasec.com/nvd/cve-2026-56866",
			Package: standard, Paths: []string{"/app/sounding"},
		}),
		in(finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-2026-78667", Aliases: []string{"GO-2026-6609"}, Severity: finding.High,
			What: "net/http: many small ranges in a Range header exhaust the CPU", URL: "https://avd.aquasec.com/nvd/cve-2026-78667",
			Package: standard, Paths: []string{"/app/sounding"},
		}),
	}, list)
	shown, err := json.Marshal(list)
	require.NoError(t, err)
	require.NotContains(t, string(shown), "s3cret")
}

// edited is the real report after a change.
func edited(t testing.TB, change func(report map[string]any, program map[string]any)) []byte {
	t.Helper()
	var report map[string]any
	require.NoError(t, json.Unmarshal(real(t), &report))
	var program map[string]any
	for _, r := range report["Results"].([]any) {
		if r := r.(map[string]any); r["Type"] == "gobinary" {
			program = r
		}
	}
	change(report, program)
	text, err := json.Marshal(report)
	require.NoError(t, err)
	return text
}

// A report that does not show what it has to show passes nothing.
func TestParse_BelievesNoReportThatMaySeeNothing(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	edit := func(change func(report, program object)) engine.Scanned {
		return engine.Scanned{Report: edited(t, change)}
	}
	whole := real(t)
	for name, tc := range map[string]struct {
		said engine.Scanned
		says string
	}{
		"crash":             {engine.Scanned{Report: whole, Code: 1, Lines: []string{"FATAL x"}}, "the scanner ended with the code 1"},
		"nothing":           {engine.Scanned{}, "the scanner left no report"},
		"blank":             {engine.Scanned{Report: []byte(" \n")}, "the scanner left no report"},
		"truncated":         {engine.Scanned{Report: whole[:len(whole)/2]}, "the scanner's report is malformed or ends too early"},
		"no object":         {engine.Scanned{Report: []byte("[]")}, "the scanner's report is malformed"},
		"two reports":       {engine.Scanned{Report: append(append([]byte{}, whole...), whole...)}, "the scanner's report is malformed"},
		"empty object":      {engine.Scanned{Report: []byte("{}")}, "the scanner's report has the schema 0 in place of 2"},
		"another schema":    {edit(func(r, _ object) { r["SchemaVersion"] = 3 }), "the schema 3 in place of 2"},
		"another type":      {edit(func(r, _ object) { r["ArtifactType"] = "filesystem" }), "the scanner looked at filesystem for linux/amd64"},
		"another platform":  {edit(func(r, _ object) { r["Metadata"].(object)["ImageConfig"].(object)["architecture"] = "arm64" }), "for linux/arm64"},
		"no results":        {edit(func(r, _ object) { delete(r, "Results") }), "the scanner saw no Go binary in /app/sounding"},
		"another path":      {edit(func(_, p object) { p["Target"] = "app/other" }), "the scanner saw no Go binary in /app/sounding"},
		"no binary":         {edit(func(_, p object) { p["Type"] = "gomod" }), "the scanner saw no Go binary in /app/sounding"},
		"no packages":       {edit(func(_, p object) { delete(p, "Packages") }), `no Go binary of example.com/sounding in /app/sounding, but one of ""`},
		"another module":    {edit(func(_, p object) { p["Packages"].([]any)[0].(object)["Name"] = "example.com/other" }), `but one of "example.com/other"`},
		"another release":   {edit(func(_, p object) { rename(p, "stdlib", "Version", "v1.26.9") }), `no Go binary of go1.26.8 in /app/sounding, but one of "go1.26.9"`},
		"no stdlib":         {edit(func(_, p object) { rename(p, "stdlib", "Name", "x") }), `no Go binary of go1.26.8 in /app/sounding, but one of ""`},
		"left out findings": {edit(func(_, p object) { p["ExperimentalModifiedFindings"] = []any{object{"Type": "vulnerability"}} }), "the scanner left out 1 findings"},
		"too many findings": {edit(func(_, p object) { p["Vulnerabilities"] = make([]object, 50_001) }), "findings, and 50000 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := scan.Parse(tc.said, sounding)
			require.Empty(t, list)
			var told *fault.Error
			require.ErrorAs(t, err, &told)
			require.Equal(t, fault.Unjudged, told.Kind)
			require.Contains(t, told.What, "scanning sounding for linux/amd64: ")
			require.Contains(t, told.What, tc.says)
			require.NotEmpty(t, told.Fix)
			require.Equal(t, tc.said.Lines, told.Detail)
		})
	}
}

func rename(program map[string]any, name, field, value string) {
	for _, p := range program["Packages"].([]any) {
		if p := p.(map[string]any); p["Name"] == name {
			p[field] = value
		}
	}
}

func TestParse_WantsEveryProgram(t *testing.T) {
	t.Parallel()
	want := sounding
	want.Programs = []string{"app/sounding", "app/second"}
	_, err := scan.Parse(engine.Scanned{Report: real(t)}, want)
	require.ErrorContains(t, err, "the scanner saw no Go binary in /app/second")
}

// An advisory is a text of a stranger.
func TestParse_PrintsNothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[2J\u202ered\u2066\x00 \r\n::error::x " + strings.Repeat("long ", 100000) + "."
	text := edited(t, func(_, program map[string]any) {
		program["Vulnerabilities"] = []any{map[string]any{
			"VulnerabilityID": hostile, "VendorIDs": []string{hostile, ""}, "PkgName": hostile, "InstalledVersion": hostile,
			"FixedVersion": hostile + "," + strings.Repeat("1,", 1000), "Severity": hostile, "Title": hostile,
			"PrimaryURL": "javascript:alert(1)", "PkgIdentifier": map[string]any{"PURL": hostile},
		}}
		program["Secrets"] = []any{map[string]any{"RuleID": hostile, "Title": hostile, "Severity": "CRITICAL", "StartLine": 1, "Match": "s3cret"}}
	})
	list, err := scan.Parse(engine.Scanned{Report: text}, sounding)
	require.NoError(t, err)
	requireTame(t, list)
	require.NotContains(t, fmt.Sprint(list), "s3cret")
	for _, f := range list {
		require.NotContains(t, f.URL, "javascript")
	}
}

// requireTame wants only bounded lines of printable characters.
func requireTame(t testing.TB, list []finding.Finding) {
	t.Helper()
	for _, f := range list {
		lines := append([]string{f.ID, f.What, f.URL}, append(f.Aliases, f.Paths...)...)
		if f.Package != nil {
			lines = append(append(lines, f.Package.Name, f.Package.Kind, f.Package.Installed, f.Package.PURL), f.Package.Fixed...)
		}
		require.NotEmpty(t, f.ID)
		require.NotEmpty(t, f.What)
		for _, line := range lines {
			require.True(t, utf8.ValidString(line))
			require.LessOrEqual(t, utf8.RuneCountInString(line), 700)
			require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
		}
	}
}

// Two programs with one vulnerability, and two sources that tell of it, are one finding.
func TestParse_GathersWhatIsTheSame(t *testing.T) {
	t.Parallel()
	text := edited(t, func(report, program map[string]any) {
		second := map[string]any{}
		for k, v := range program {
			second[k] = v
		}
		second["Target"] = "app/second"
		report["Results"] = append(report["Results"].([]any), second)
		first := program["Vulnerabilities"].([]any)[0].(map[string]any)
		again := map[string]any{}
		for k, v := range first {
			again[k] = v
		}
		again["Severity"], again["VendorIDs"], again["FixedVersion"] = "CRITICAL", []string{"GHSA-x"}, "9.0.0"
		program["Vulnerabilities"] = append(program["Vulnerabilities"].([]any), again)
	})
	want := sounding
	want.Programs = []string{"app/sounding", "app/second"}
	list, err := scan.Parse(engine.Scanned{Report: text}, want)
	require.NoError(t, err)
	require.Len(t, list, 7)
	merged := 0
	for _, f := range list {
		if f.Package != nil && f.Package.Kind != "deb" {
			require.Equal(t, []string{"/app/sounding", "/app/second"}, f.Paths)
		}
		if f.Severity == finding.Critical && f.Package != nil {
			merged++
			require.Contains(t, f.Aliases, "GHSA-x")
			require.Contains(t, f.Package.Fixed, "9.0.0")
		}
	}
	require.Equal(t, 1, merged)
}

func TestParse_SaysThatTheDistributionIsNotKept(t *testing.T) {
	t.Parallel()
	text := edited(t, func(report, _ map[string]any) {
		report["Metadata"].(map[string]any)["OS"] = map[string]any{"Family": "debian", "Name": "10.13", "EOSL": true}
	})
	list, err := scan.Parse(engine.Scanned{Report: text}, sounding)
	require.NoError(t, err)
	require.Len(t, list, 8)
	require.Equal(t, scan.EndOfLife, list[len(list)-1].ID)
	require.Equal(t, finding.Medium, list[len(list)-1].Severity)
	require.Equal(t, "debian 10.13, which the base is of, gets no security updates any more", list[len(list)-1].What)
}

func FuzzParse(f *testing.F) {
	f.Add(real(f))
	f.Add([]byte(`{"SchemaVersion":2,"ArtifactType":"container_image","Metadata":{"ImageConfig":{"os":"linux","architecture":"amd64"}},"Results":[{"Target":"/x","Class":"lang-pkgs","Type":"gobinary","Vulnerabilities":[{"Title":"\u001b."}],"Secrets":[{}]}]}`))
	nothing := scan.Expect{Image: "x", Platform: "linux/amd64"}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, want := range []scan.Expect{sounding, nothing} {
			list, err := scan.Parse(engine.Scanned{Report: text}, want)
			if err != nil {
				require.Equal(t, fault.Unjudged, fault.KindOf(err))
				require.Empty(t, list)
			}
			requireTame(t, list)
		}
	})
}
