package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
)

const accepted = `
# why: nobody but admins reach it
exceptions:
  - id: CVE-2026-78667
    package: golang.org/x/net
    reason: >
      behind the admin port,
      which nobody reaches
    owner: ada
    expires: 2027-01-31
  - {id: user-root, reason: wanted, owner: bob, expires: "2026-12-01"}
`

func TestResolve_JudgesStrictlyWhereNobodySaysOtherwise(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil)
	require.NoError(t, err)
	scanner, err := pins.Scanner()
	require.NoError(t, err)
	require.Equal(t, plan.Policy{
		Severity: "high", Unknown: "fail", Unfixed: "note", Reach: "all", Flaky: "fail", Product: "pkg:golang/example.com/tide@v1.2.3",
	}, p.Run.Policy)
	require.Equal(t, plan.Scan{
		Scanner: scanner, DatabaseAge: 72, VulnDB: "https://vuln.go.dev",
		Databases: []string{"mirror.gcr.io/aquasec/trivy-db", "ghcr.io/aquasecurity/trivy-db", "public.ecr.aws/aquasecurity/trivy-db"},
	}, p.Run.Scan)
	require.Equal(t, plan.Smoke{}, p.Run.Smoke)
	require.Equal(t, config.Origin("embedded"), p.Origins["scanner"])
	p.MarkDirty(&p.Images[0])
	require.Equal(t, "pkg:golang/example.com/tide@v1.2.3%2Bdirty", p.Run.Policy.Product)
}

func TestResolve_TakesWhatASourceToleratesWithItsPlace(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "severity: CRITICAL\nunknown: note\nunfixed: fail\nreach: called\nflaky: note\n"+accepted, nil)
	require.NoError(t, err)
	require.Equal(t, plan.Policy{
		Severity: "critical", Unknown: "note", Unfixed: "fail", Reach: "called", Flaky: "note", Product: "pkg:golang/example.com/tide@v1.2.3",
		Exceptions: []plan.Exception{
			{
				ID: "CVE-2026-78667", Package: "golang.org/x/net", Reason: "behind the admin port, which nobody reaches",
				Owner: "ada", Expires: "2027-01-31", Origin: ".slipway.yaml:9",
			},
			{ID: "user-root", Reason: "wanted", Owner: "bob", Expires: "2026-12-01", Origin: ".slipway.yaml:16"},
		},
	}, p.Run.Policy)
	require.Equal(t, "CVE-2026-78667 until 2027-01-31,user-root until 2026-12-01", p.Values()["exceptions"])
	require.Equal(t, config.Origin(".slipway.yaml:8"), p.Origins["exceptions"])
}

func TestResolve_TakesHowAnImageIsTried(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "health: /healthz?full=1\nsmoke-env: {TIDE: 5, A: ''}\nsmoke-args: [serve, --fast]\nsmoke: false\n", nil)
	require.NoError(t, err)
	require.Equal(t, plan.Smoke{Off: ".slipway.yaml:4", Health: "/healthz?full=1", Env: []string{"A=", "TIDE=5"}, Args: []string{"serve", "--fast"}}, p.Run.Smoke)
	for origin, say := range map[string]func() (*config.Plan, error){
		"--smoke":       func() (*config.Plan, error) { return resolve(t, "", nil, "--smoke=false") },
		"SLIPWAY_SMOKE": func() (*config.Plan, error) { return resolve(t, "", map[string]string{"SLIPWAY_SMOKE": "false"}) },
		"":              func() (*config.Plan, error) { return resolve(t, "smoke: false", nil, "--smoke") },
	} {
		p, err := say()
		require.NoError(t, err)
		require.Equal(t, origin, p.Run.Smoke.Off)
	}
}

func TestResolve_TakesTheScannerFromWhoeverRunsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pin := "127.0.0.1:5000/trivy:0.75.0@sha256:" + strings.Repeat("ab", 32)
	p, err := resolve(t, "", map[string]string{"SLIPWAY_TRIVY_DB": "127.0.0.1:5000/a/trivy-db,ghcr.io/b/db:2"},
		"--scanner", pin, "--trivy-db-age", "168h", "--vulndb", "file://"+dir)
	require.NoError(t, err)
	require.Equal(t, pin, p.Run.Scan.Scanner.String())
	require.Equal(t, []string{"127.0.0.1:5000/a/trivy-db", "ghcr.io/b/db:2"}, p.Run.Scan.Databases)
	require.Equal(t, 168, p.Run.Scan.DatabaseAge)
	require.Equal(t, dir, p.Run.Scan.VulnDB)
	require.Equal(t, config.Origin("--scanner"), p.Origins["scanner"])

	for flag, value := range map[string]string{
		"scanner": "trivy:0.74.0", "trivy-db": "trivy-db", "trivy-db-age": "90m", "vulndb": "http://vuln.go.dev",
	} {
		_, err := resolve(t, "", nil, "--"+flag, value)
		require.ErrorContains(t, err, "--"+flag+": ")
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
	for _, wrong := range []string{"0h", "-1h", "three days", "1h0m1s"} {
		_, err := resolve(t, "", nil, "--trivy-db-age", wrong)
		require.ErrorContains(t, err, "want whole hours")
	}
	for _, wrong := range []string{"https://", "https://me:secret@vuln.go.dev", "https://a?b", filepath.Join(dir, "gone"), "file://"} {
		_, err := resolve(t, "", nil, "--vulndb", wrong)
		require.ErrorContains(t, err, "an https URL, or a folder", wrong)
	}
}

// A source does not choose its judge, and does not turn its judgement off by the side.
func TestResolve_DoesNotLetASourceSpeakOfItsScanner(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"scanner", "trivy-db", "trivy-db-age", "vulndb"} {
		_, err := resolve(t, "\n"+key+": x", nil)
		require.ErrorContains(t, err, ".slipway.yaml:2: the source cannot say \""+key+"\" of itself")
		require.ErrorContains(t, err, "--"+key)
		require.NotContains(t, config.Schema()["properties"], key)
	}
	require.Contains(t, config.Schema()["properties"], "exceptions")
	_, err := resolve(t, "", map[string]string{"SLIPWAY_EXCEPTIONS": "CVE-2026-1"})
	require.NoError(t, err, "exceptions are for the file, whose lines have reviewers")
}

func TestResolve_NamesAWrongPolicyAndItsPlace(t *testing.T) {
	t.Parallel()
	const whole = "exceptions:\n- id: CVE-1\n  reason: r\n  owner: o\n  expires: 2027-01-31\n"
	for file, says := range map[string]string{
		"severity: unknown":     `.slipway.yaml:1: "unknown" is not a value for severity: want critical, high, medium or low`,
		"\nunknown: ignore":     `.slipway.yaml:2: "ignore" is not a value for unknown: want fail or note`,
		"unfixed: [a]":          `.slipway.yaml:1: key "unfixed"`,
		"reach: imported":       `"imported" is not a value for reach: want all or called`,
		"health: healthz":       `"healthz" is not a value for health`,
		"health: //evil.org/":   `is not a value for health`,
		"health: /a b":          `is not a value for health`,
		"smoke: sometimes":      `.slipway.yaml:1: key "smoke": want true or false`,
		"smoke-env: {1A: x}":    `"1A" is not a value for smoke-env`,
		"smoke-args: [\"\\0\"]": `is not a value for smoke-args`,

		"exceptions: CVE-1":      `.slipway.yaml:1: key "exceptions": want a list`,
		"exceptions:\n- CVE-1":   `.slipway.yaml:2: key "exceptions": want each exception as names`,
		"exceptions:\n- []":      `.slipway.yaml:2: `,
		"exceptions:\n-":         `.slipway.yaml:2: `,
		whole + "  until: x":     `.slipway.yaml:6: key "exceptions": an exception has no "until"`,
		whole + "  owner: p":     `.slipway.yaml:6: key "exceptions": owner is there twice`,
		whole + "  package: [a]": `.slipway.yaml:6: key "exceptions": want one value for package`,
		whole + "  package:":     `.slipway.yaml:2: key "exceptions": the exception for CVE-1 has no package`,
		whole + strings.TrimPrefix(whole, "exceptions:\n"):   `.slipway.yaml:6: key "exceptions": CVE-1 is there twice, first at .slipway.yaml:2`,
		strings.Replace(whole, "CVE-1", "", 1):               `.slipway.yaml:2: key "exceptions": the exception for a finding has no id`,
		strings.Replace(whole, "CVE-1", "'*'", 1):            `.slipway.yaml:2: key "exceptions": "*" is not a value for id`,
		strings.Replace(whole, "  reason: r\n", "", 1):       `.slipway.yaml:2: key "exceptions": the exception for CVE-1 has no reason`,
		strings.Replace(whole, ": o\n", ": ' '\n", 1):        `the exception for CVE-1 has no owner`,
		strings.Replace(whole, "2027-01-31", "", 1):          `the exception for CVE-1 has no expires`,
		strings.Replace(whole, "2027-01", "2027-02", 1):      `.slipway.yaml:5: key "exceptions": "2027-02-31" is not a value for expires, want one such as 2026-12-31`,
		strings.Replace(whole, "2027-01-31", "never", 1):     `.slipway.yaml:5: key "exceptions": "never" is not a value for expires`,
		strings.Replace(whole, ": r\n", ": \"\\e[2J\"\n", 1): `.slipway.yaml:3: key "exceptions"`,
	} {
		_, err := resolve(t, file, nil)
		require.Error(t, err, file)
		require.Equal(t, fault.Usage, fault.KindOf(err), "%s: %v", file, err)
		require.Contains(t, err.Error(), says, file)
	}
	_, err := resolve(t, strings.Replace(whole, "2027-01-31", "2099-01-31", 1), nil)
	require.NoError(t, err, "how long somebody may look away is not for a program to say")
}

func TestResolve_TakesDocumentsOfTheSourceFolderOnly(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	outside := filepath.Join(t.TempDir(), "out.json")
	require.NoError(t, os.WriteFile(outside, []byte("{}"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "vex", "dir"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "vex", "a.json"), []byte("{}"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "link.json")))
	within := func(text string) (*config.Plan, error) {
		file, err := config.ParseFile(config.FileName, []byte(text))
		require.NoError(t, err)
		said, err := config.Gather(file, func(string) string { return "" }, nil)
		require.NoError(t, err)
		pinned, err := pins.Read(t.TempDir())
		require.NoError(t, err)
		return config.Resolve(t.Context(), config.Input{Said: said, Pins: pinned, Dir: "/work", Project: &project.Project{
			Root: root, ModulePath: "example.com/tide", Mains: []project.Main{{Dir: ".", Package: "example.com/tide", Name: "tide"}},
		}})
	}
	p, err := within("vex: ./vex/a.json")
	require.NoError(t, err)
	require.Equal(t, []string{"vex/a.json"}, p.Run.Policy.VEX)
	require.Equal(t, "pkg:golang/example.com/tide", p.Run.Policy.Product)
	for _, wrong := range []string{"vex/gone.json", "vex/dir", "link.json", "../a.json", outside, "''"} {
		_, err := within("\nvex: [vex/a.json, " + wrong + "]")
		require.ErrorContains(t, err, ".slipway.yaml:2: ", wrong)
		require.ErrorContains(t, err, "is not a value for vex", wrong)
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
	_, err = within("vex: [" + strings.Repeat("vex/a.json,", 101) + "]")
	require.ErrorContains(t, err, "at most 100")
}
