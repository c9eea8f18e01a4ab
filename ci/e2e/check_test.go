package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// harbourPort is one that this run of the tests has to itself, as is the one after it.
var harbourPort = rig.OwnPort()

// harbour is a service that answers and stops in order, on the port that PORT names.
var harbour = map[string]string{
	"go.mod": "module example.com/harbour\n\ngo 1.25.0\n",
	"main.go": "package main\n\nimport (\n\t\"context\"\n\t\"net/http\"\n\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\n" +
		"var greeting = \"moored\"\n\nfunc main() {\n\tctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)\n\tdefer stop()\n" +
		"\tstart()\n\tsrv := &http.Server{Addr: \":\" + os.Getenv(\"PORT\"), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(greeting)) })}\n" +
		"\tgo func() {\n\t\t<-ctx.Done()\n\t\tsrv.Shutdown(context.Background())\n\t}()\n" +
		"\tif err := srv.ListenAndServe(); err != http.ErrServerClosed {\n\t\tprintln(err.Error())\n\t\tos.Exit(1)\n\t}\n}\n",
	"start.go":      "package main\n\nfunc start() {}\n",
	"start_test.go": "package main\n\nimport \"testing\"\n\nfunc TestStart(t *testing.T) { start() }\n",
	".slipway.yaml": fmt.Sprintf("port: %[1]d\nhealth: /\nsmoke-env: {PORT: %[1]d}\n", harbourPort),
}

// changing are files that make it another service in each build.
var changing = map[string]string{
	".slipway.yaml": harbour[".slipway.yaml"] + "pre-build: [[sh, -c, 'date +%s%N > now.txt']]\n",
	"start.go":      "package main\n\nimport _ \"embed\"\n\n//go:embed now.txt\nvar now string\n\nfunc start() { _ = now }\n", "now.txt": "",
}

// with is a copy of a tree with other files.
func with(tree map[string]string, files map[string]string) map[string]string {
	tree = maps.Clone(tree)
	maps.Copy(tree, files)
	return tree
}

// judges are the arguments and the environment that let check judge on this machine:
// the real scanner and a database of real advisories in a real registry.
type judges struct {
	databases []string
	vulndb    string
	env       []string
}

// args are the databases.
func (j *judges) args() []string { return append([]string{"--vulndb", j.vulndb}, j.databases...) }

func newJudges(t *testing.T, when time.Time) *judges {
	t.Helper()
	rig.Trivy(t)
	address := rig.Registry(t)
	rig.NewArtifact(t, rig.MakeDatabase(t, when, rig.Advisories()...), "").Push(t, address, "trivy-db")
	return &judges{
		databases: []string{"--trivy-db", address + "/trivy-db"},
		vulndb:    rig.MakeVulnDB(t, when, rig.VulnerableSymbols()...),
		// The trial has a test of its own with real runtimes.
		env: environment(t, "PATH="+pathWithout(t, "docker", "podman")),
	}
}

// pathWithout is PATH with programs in front that have the names and do nothing.
func pathWithout(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	}
	return dir + string(filepath.ListSeparator) + os.Getenv("PATH")
}

// check runs check with the local engine for this machine's platform.
func (j *judges) check(t *testing.T, src string, args ...string) (rig.Result, *receipt.Receipt) {
	t.Helper()
	out := t.TempDir()
	call := slices.Concat([]string{"check", "--engine", "local", "--src", src, "--output", out, "--base", "builtin"}, j.args(), args)
	if !slices.Contains(args, "--platform") {
		call = append(call, "--platform", "linux/amd64")
	}
	r := rig.Run(t, "", j.env, slipway(t), call...)
	return r, readReceipt(t, out)
}

// readReceipt reads the receipt of a check, or returns nil where it left none.
func readReceipt(t *testing.T, out string) *receipt.Receipt {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "report", "receipt.json"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(repository(t), "docs", "receipt.schema.json"))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(doc), "the receipt follows its published schema")
	r := &receipt.Receipt{}
	require.NoError(t, json.Unmarshal(text, r))
	return r
}

// No gate is decoration: for each there is an input that it refuses, and nothing else
// does.
func TestCheck_EachGateRefuses(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	t.Run("and lets pass what is in order", func(t *testing.T) {
		r, got := j.check(t, write(t, "harbour", harbour), "--twice")
		require.Zero(t, r.Code, r.Stderr)
		require.Regexp(t, `^sha256:[0-9a-f]{64}\n$`, r.Stdout)
		require.Equal(t, receipt.Passed, got.Verdict)
		for _, g := range got.Gates {
			require.Equal(t, finding.Passed, g.Outcome, "%+v", g)
		}
	})
	const token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	for name, m := range map[string]struct {
		gate  string
		code  int
		files map[string]string
		args  []string
		says  string
	}{
		"a test fails":                 {finding.GateTests, 11, map[string]string{"start_test.go": "package main\n\nimport \"testing\"\n\nfunc TestStart(t *testing.T) { t.Fatal(\"adrift\") }\n"}, nil, "adrift"},
		"go vet fails":                 {finding.GateTests, 11, map[string]string{"start_test.go": "package main\n\nimport \"fmt\"\n\nfunc wrong() { fmt.Printf(\"%d\", \"x\") }\n"}, nil, "%d"},
		"a test races":                 {finding.GateTests, 11, map[string]string{"start_test.go": "package main\n\nimport \"testing\"\n\nfunc TestStart(t *testing.T) {\n\tn, done := 0, make(chan bool)\n\tgo func() { n++; close(done) }()\n\tn++\n\t<-done\n}\n"}, nil, "DATA RACE"},
		"the image is too large":       {finding.GateImage, 20, nil, []string{"--budget", "1MB"}, "size-budget"},
		"a token is in a label":        {finding.GateLeaks, 20, nil, []string{"--label", "com.example.key=" + token}, "leak/github-token"},
		"a token is in the program":    {finding.GateLeaks, 20, nil, []string{"--set", "main.greeting=" + token}, "/app/harbour"},
		"a file of secrets goes along": {finding.GateLeaks, 20, map[string]string{"assets/.env": "KEY=x\n"}, []string{"--files", "/assets=./assets"}, "/assets/.env"},
		"Go has a vulnerability":       {finding.GateVulnerabilities, 20, nil, []string{"--builder", earlier, "--unknown", "note"}, "1.26.9"},
		"an unrated one":               {finding.GateVulnerabilities, 20, nil, []string{"--builder", earlier, "--severity", "critical"}, "CVE-2026-56866"},
		"an exception expired":         {finding.GateVulnerabilities, 20, map[string]string{".slipway.yaml": harbour[".slipway.yaml"] + exception("CVE-2026-78667", "2026-01-01")}, []string{"--builder", earlier, "--unknown", "note"}, "2026-01-01"},
		"an exception is for nothing":  {finding.GateVulnerabilities, 20, map[string]string{".slipway.yaml": harbour[".slipway.yaml"] + exception("CVE-2020-1", "2999-01-01")}, nil, "CVE-2020-1"},
		"it does not start":            {finding.GateSmoke, 20, map[string]string{"start.go": "package main\n\nimport \"os\"\n\nfunc start() {\n\tif len(os.Args) == 1 {\n\t\tprintln(\"no wind\")\n\t\tos.Exit(3)\n\t}\n}\n"}, nil, "no wind"},
		"it does not answer":           {finding.GateSmoke, 20, nil, []string{"--port", fmt.Sprint(harbourPort + 1)}, fmt.Sprintf("port %d", harbourPort+1)},
		"it is another one each time":  {finding.GateReproducible, 20, changing, []string{"--twice", "--allow-exec"}, "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			r, got := j.check(t, write(t, "harbour", with(harbour, m.files)), m.args...)
			require.Equal(t, m.code, r.Code, r.Stderr)
			require.Empty(t, r.Stdout)
			require.Contains(t, r.Stderr, m.says)
			require.NotContains(t, r.Stderr, token)
			require.Equal(t, receipt.Failed, got.Verdict)
			for _, g := range got.Gates {
				if g.Name == m.gate {
					require.Equal(t, finding.Failed, g.Outcome, "%+v", g)
				} else {
					require.NotEqual(t, finding.Failed, g.Outcome, "%+v", g)
				}
			}
		})
	}
}

func exception(id, expires string) string {
	return "exceptions:\n  - {id: " + id + ", reason: not reachable, owner: harbour master, expires: " + expires + "}\n"
}

// What fails can be let pass for a while, on somebody's word, and stays in the report.
func TestCheck_LetsPassWhatSomebodyAnswersFor(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	src := write(t, "harbour", with(harbour, map[string]string{".slipway.yaml": harbour[".slipway.yaml"] + exception("CVE-2026-78667", "2999-01-01")}))
	r, got := j.check(t, src, "--builder", earlier, "--unknown", "note", "--gate", "vulnerabilities")
	require.Zero(t, r.Code, r.Stderr)
	at := slices.IndexFunc(got.Findings, func(f finding.Finding) bool { return f.ID == "CVE-2026-78667" })
	require.GreaterOrEqual(t, at, 0)
	require.Equal(t, finding.Accepted, got.Findings[at].Status)
	require.Contains(t, got.Findings[at].Reason, "harbour master")
	require.Equal(t, finding.Imported, got.Findings[at].Reach, "harbour serves, and no files")
	// Nothing that does not judge is said to have judged.
	for _, g := range got.Gates {
		if g.Name != finding.GateVulnerabilities {
			require.Equal(t, finding.Skipped, g.Outcome)
		}
	}
	// A document of the source says so in the form of OpenVEX.
	said := `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "harbour master",
		"timestamp": "2026-10-10T00:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2026-78667"},
		"products": [{"@id": "pkg:golang/example.com/harbour"}], "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}`
	documented := write(t, "harbour", with(harbour, map[string]string{"vex.json": said}))
	r, got = j.check(t, documented, "--builder", earlier, "--unknown", "note", "--gate", "vulnerabilities", "--vex", "vex.json")
	require.Zero(t, r.Code, r.Stderr)
	require.True(t, slices.ContainsFunc(got.Findings, func(f finding.Finding) bool {
		return f.ID == "CVE-2026-78667" && f.Status == finding.NotAffected
	}))
	// Only what is called fails, where the policy says so.
	plain := write(t, "harbour", harbour)
	r, _ = j.check(t, plain, "--builder", earlier, "--unknown", "note", "--gate", "vulnerabilities", "--reach", "called")
	require.Zero(t, r.Code, r.Stderr)
	j.vulndb = t.TempDir()
	r, _ = j.check(t, plain, "--builder", earlier, "--unknown", "note", "--gate", "vulnerabilities", "--reach", "called")
	require.Equal(t, 20, r.Code, "what nobody knows counts as called: %s", r.Stderr)
	require.Contains(t, r.Stderr, "nobody knows which vulnerable code is called")
}

// Every platform is judged: what one of them has is enough.
func TestCheck_JudgesEveryPlatform(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	src := write(t, "harbour", with(harbour, map[string]string{
		"go.mod": harbour["go.mod"] + "\nrequire golang.org/x/text v0.3.7\n", "go.sum": textSums,
		"start_arm64.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc init() { _ = language.English }\n",
	}))
	r, got := j.check(t, src, "--gate", "vulnerabilities", "--platform", "linux/amd64,linux/arm64")
	require.Equal(t, 20, r.Code, r.Stderr)
	require.Len(t, got.Findings, 1)
	require.Equal(t, []string{"linux/arm64"}, got.Findings[0].Platforms)
	r, _ = j.check(t, src, "--gate", "vulnerabilities", "--platform", "linux/amd64")
	require.Zero(t, r.Code, r.Stderr)
}

// Without a judge there is no verdict.
func TestCheck_DoesNotPassWhatNobodyJudged(t *testing.T) {
	rig.Slow(t)
	j := newJudges(t, time.Now().Add(-time.Hour))
	stale := newJudges(t, time.Now().Add(-30*24*time.Hour))
	src := write(t, "harbour", harbour)
	for name, m := range map[string]struct {
		judges *judges
		args   []string
		says   []string
	}{
		"no database":       {&judges{[]string{"--trivy-db", "127.0.0.1:1/a,127.0.0.1:2/b"}, j.vulndb, j.env}, nil, []string{"127.0.0.1:1/a", "127.0.0.1:2/b"}},
		"an old database":   {stale, nil, []string{"days old"}},
		"another platform":  {j, []string{"--platform", "linux/arm64", "--gate", "smoke"}, []string{"linux/amd64"}},
		"no scanner at all": {&judges{j.databases, j.vulndb, append(slices.Clone(j.env), "SLIPWAY_CACHE="+t.TempDir())}, nil, []string{"slipway tool trivy"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := m.args
			if args == nil {
				args = []string{"--gate", "vulnerabilities"}
			}
			r, got := m.judges.check(t, src, args...)
			require.Equal(t, 21, r.Code, r.Stderr)
			for _, says := range m.says {
				require.Contains(t, r.Stderr, says)
			}
			require.Equal(t, receipt.Unjudged, got.Verdict)
		})
	}
}
