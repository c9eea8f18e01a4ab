package gha_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
)

// tide is a receipt of the module example.com/tide, whose main lies in cmd/tide.
func tide() *receipt.Receipt {
	return &receipt.Receipt{
		Verdict: receipt.Failed,
		Images:  []receipt.Image{{Name: "tide", Plan: plan.Image{Module: "example.com/tide", Mains: []plan.Main{{Dir: "./cmd/tide", Package: "example.com/tide/cmd/tide"}}}}},
		Origins: map[string]string{"builder": "Dockerfile:3", "base": ".slipway.yaml:7"},
	}
}

func failing(name string, output ...string) finding.Test {
	return finding.Test{Name: name, Outcome: "fail", Output: output}
}

func tested(p ...finding.TestPackage) *receipt.Receipt {
	r := tide()
	r.Tests = &finding.Tests{Packages: p}
	return r
}

func in(name string, tests ...finding.Test) finding.TestPackage {
	return finding.TestPackage{Name: name, Outcome: "fail", Tests: tests}
}

func found(f finding.Finding) *receipt.Receipt {
	r := tide()
	f.Status = finding.Fails
	r.Findings = []finding.Finding{f, {ID: "noted", Status: finding.Noted}}
	r.Gates = []finding.Gate{{Name: f.Gate, Outcome: finding.Failed, Summary: "one finding to mend"}}
	r.Failure = &receipt.Failure{Kind: "gate", What: "a gate failed"}
	return r
}

// wire are the annotations that Finish writes, without what lets them be heard.
func wire(t *testing.T, r *receipt.Receipt, root string) []string {
	t.Helper()
	j := begin(t)
	j.wrote()
	require.NoError(t, j.Finish(r, gha.Finish{Root: root}))
	text := j.wrote()
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	require.Equal(t, "::"+token+"::", lines[0])
	require.Equal(t, "::stop-commands::"+token, lines[len(lines)-1])
	return lines[1 : len(lines)-1]
}

func TestFinish_AnnotatesWhatFails(t *testing.T) {
	t.Parallel()
	compile := tide()
	compile.Failure = &receipt.Failure{Kind: "source", What: "the source does not build for linux/amd64", Detail: []string{
		"# example.com/tide/cmd/tide", "cmd/tide/main.go:12:3: undefined: x", "./a.go:7:2: not enough arguments", "\thave ()", "\twant (int)", "cmd/tide/main.go:12:3: undefined: x", "/usr/lib/go/x.go:1:1: not ours", "too many errors",
	}}
	foreign := tide()
	foreign.Failure = &receipt.Failure{Kind: "source", What: "module x has the wrong checksum", Fix: "find out who changed it", Detail: []string{"verifying x: checksum mismatch"}}
	vet := tested()
	vet.Tests.Vet = []string{"internal/tide/tide.go:8:2: fmt.Printf format %d has arg x of wrong type"}
	vet.Gates = []finding.Gate{{Name: finding.GateTests, Outcome: finding.Failed, Summary: "go vet fails"}}
	flaky := tested(finding.TestPackage{Name: "example.com/tide", Outcome: "pass", Tests: []finding.Test{
		{Name: "TestParent", Outcome: "flaky"}, {Name: "TestParent/ebb", Outcome: "flaky", Output: []string{"    tide_test.go:5: late"}},
	}})
	panicking := in("example.com/tide/internal/tide", failing("TestRise", "panic: index out of range", "goroutine 7:", "\t/usr/go/src/testing/testing.go:1 +0x1", "\tinternal/tide/tide.go:19 +0x1d"))
	unbuilt := finding.TestPackage{Name: "example.com/tide/internal/tide", Outcome: "fail", Output: []string{"internal/tide/tide_test.go:3:5: undefined: y"}}
	exits := finding.TestPackage{Name: "example.com/tide/internal/tide", Outcome: "fail", Output: []string{"exit status 3"}}
	gates := tide()
	gates.Gates = []finding.Gate{
		{Name: finding.GateReproducible, Outcome: finding.Failed, Summary: "another digest", Fix: "slipway plan"},
		{Name: finding.GateVulnerabilities, Outcome: finding.Unjudged, Summary: "no database"},
		{Name: finding.GateSmoke, Outcome: finding.Skipped}, {Name: finding.GateLeaks, Outcome: finding.Passed},
	}
	gates.Failure = &receipt.Failure{Kind: "gate", What: "a gate failed"}
	registry := tide()
	registry.Failure = &receipt.Failure{Kind: "registry", Step: "publish tide", What: "ghcr.io refused", Fix: "log in"}
	for name, c := range map[string]struct {
		r    *receipt.Receipt
		want []string
	}{
		"passed": {tide(), nil},
		"compile errors": {compile, []string{
			"::error col=3,file=svc/cmd/tide/main.go,line=12,title=does not compile::undefined: x",
			"::error col=2,file=svc/a.go,line=7,title=does not compile::not enough arguments%0A    have ()%0A    want (int)",
		}},
		"an error without a place": {foreign, []string{"::error title=slipway::module x has the wrong checksum%0Afix: find out who changed it"}},
		"vet":                      {vet, []string{"::error col=2,file=svc/internal/tide/tide.go,line=8,title=go vet::fmt.Printf format %25d has arg x of wrong type"}},
		"test": {
			tested(in("example.com/tide/internal/tide", failing("TestTide"), failing("TestTide/low", "--- FAIL: TestTide/low", "    tide_test.go:31: want 3, got 4"))),
			[]string{"::error file=svc/internal/tide/tide_test.go,line=31,title=TestTide/low fails::TestTide/low: want 3, got 4"},
		},
		"test with testify": {
			tested(in("example.com/tide", failing("TestTide", "    tide_test.go:9: log", "    tide_test.go:31: ", "        \tError Trace:\t/src/tide_test.go:31", "        \tError:      \tNot equal"))),
			[]string{"::error file=svc/tide_test.go,line=31,title=TestTide fails::TestTide:%0A    Error:          Not equal"},
		},
		"panic":                     {tested(panicking), []string{"::error file=svc/internal/tide/tide.go,line=19,title=TestRise fails::TestRise: panic: index out of range"}},
		"tests that do not build":   {tested(unbuilt, unbuilt), []string{"::error col=5,file=svc/internal/tide/tide_test.go,line=3,title=the tests of example.com/tide/internal/tide do not build::undefined: y"}},
		"package that fails":        {tested(exits), []string{"::error title=the tests of example.com/tide/internal/tide fail::example.com/tide/internal/tide: exit status 3"}},
		"test of another module":    {tested(in("example.com/ebb", failing("TestEbb", "    ebb_test.go:3: x"))), []string{"::error title=TestEbb fails::TestEbb: x"}},
		"flaky":                     {flaky, []string{"::warning file=svc/tide_test.go,line=5,title=TestParent/ebb is flaky%3A it failed%2C and passed when it was run again::TestParent/ebb: late"}},
		"gates without findings":    {gates, []string{"::error title=the gate reproducible fails::another digest%0Afix: slipway plan", "::error title=the gate vulnerabilities could not judge::no database"}},
		"failure of a registry":     {registry, []string{"::error title=publish tide fails::ghcr.io refused%0Afix: log in"}},
		"module":                    {found(finding.Finding{Gate: "vulnerabilities", ID: "CVE-2026-1", Severity: "high", What: "loops", Fix: "go get x@v2", Package: &finding.Package{Name: "x", Kind: "gomod", Installed: "v1"}, Trace: []string{"main", "x.F"}, Paths: []string{"app/tide"}}), []string{"::error file=svc/go.mod,line=1,title=CVE-2026-1 (high)::x v1: loops%0Acalled by main -> x.F%0Afix: go get x@v2"}},
		"standard library":          {found(finding.Finding{Gate: "vulnerabilities", ID: "CVE-2026-2", What: "loops", Package: &finding.Package{Name: "stdlib", Kind: "stdlib", Installed: "v1.26.8"}}), []string{"::error file=svc/Dockerfile,line=3,title=CVE-2026-2::stdlib v1.26.8: loops"}},
		"package of the base":       {found(finding.Finding{Gate: "vulnerabilities", ID: "CVE-2026-3", What: "loops", Package: &finding.Package{Name: "libc6", Kind: "deb", Installed: "2.41"}}), []string{"::error file=svc/.slipway.yaml,line=7,title=CVE-2026-3::libc6 2.41: loops"}},
		"leak in the source":        {found(finding.Finding{Gate: "leaks", ID: "secret/pat", What: "a token", Image: "tide", Paths: []string{"app/tide", "internal/token.go:12"}}), []string{"::error file=svc/internal/token.go,line=12,title=secret/pat::a token"}},
		"image":                     {found(finding.Finding{Gate: "image", ID: "size-budget", What: "too large", Image: "tide"}), []string{"::error title=size-budget::too large"}},
		"a file outside the folder": {found(finding.Finding{Gate: "leaks", ID: "x", What: "y", Image: "tide", Paths: []string{"../../etc/passwd:1"}}), []string{"::error title=x::y"}},
	} {
		require.Equal(t, c.want, wire(t, c.r, "svc"), name)
	}
}

func TestFinish_FilesAreInTheRepository(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ root, file, want string }{
		{".", "a.go", "file=a.go,line=1,"}, {"", "a.go", "file=a.go,line=1,"}, {"svc", "../lib/a.go", "file=lib/a.go,line=1,"}, {"svc", `internal\a.go`, "file=svc/internal/a.go,line=1,"},
		{".", "../a.go", ""}, {"svc", "../../a.go", ""}, {"..", "a.go", ""}, {"/abs", "a.go", ""}, {"svc", "a\x1b[31m.go", ""}, {"svc", "a\u202e.go", ""},
		{".", "a,b=c%.go", "file=a%2Cb=c%25.go,line=1,"},
	} {
		require.Equal(t, []string{"::error " + c.want + "title=x::y"}, wire(t, found(finding.Finding{Gate: "leaks", ID: "x", What: "y", Image: "i", Paths: []string{c.file + ":1"}}), c.root), "%+v", c)
	}
	r := found(finding.Finding{Gate: "leaks", ID: "x", What: "y", Image: "i", Paths: []string{"a.go:1"}})
	r.Source = &receipt.Source{Folder: "services/tide"}
	require.Equal(t, []string{"::error file=services/tide/a.go,line=1,title=x::y"}, wire(t, r, ""))
}

func TestFinish_FindsTheFolderOfAPackage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		main        plan.Main
		pkg, folder string
	}{
		{"module at the root", plan.Main{Dir: ".", Package: "example.com/tide"}, "example.com/tide/a", "a/"},
		{"module in a folder", plan.Main{Dir: "./svc/cmd/tide", Package: "example.com/tide/cmd/tide"}, "example.com/tide/a", "svc/a/"},
		{"main of a module in a folder", plan.Main{Dir: "./svc", Package: "example.com/tide"}, "example.com/tide", "svc/"},
		{"hostile folder", plan.Main{Dir: "../../x", Package: "example.com/tide/x"}, "example.com/tide/a", "a/"},
		{"no main", plan.Main{}, "example.com/tide/a", "a/"},
	} {
		r := tested(in(c.pkg, failing("TestTide", "    a_test.go:1: x")))
		r.Images[0].Plan.Mains = []plan.Main{c.main}
		require.Equal(t, []string{"::error file=" + c.folder + "a_test.go,line=1,title=TestTide fails::TestTide: x"}, wire(t, r, "."), c.name)
	}
	r := tested(in("example.com/tide/a", failing("TestTide", "    a_test.go:1: x")), finding.TestPackage{Name: "example.com/tide/cmd/tide", Outcome: "pass"})
	r.Images = nil
	require.Equal(t, []string{"::error file=a/a_test.go,line=1,title=TestTide fails::TestTide: x"}, wire(t, r, "."))
}

func TestFinish_RespectsTheLimitOfAnnotations(t *testing.T) {
	t.Parallel()
	many := func(n int, outcome string) *receipt.Receipt {
		p := finding.TestPackage{Name: "example.com/tide", Outcome: "fail"}
		for i := range n {
			p.Tests = append(p.Tests, finding.Test{Name: fmt.Sprintf("Test%03d", i), Outcome: outcome, Output: []string{fmt.Sprintf("    tide_test.go:%d: x", i+1)}})
		}
		return tested(p)
	}
	lines := wire(t, many(100, "fail"), ".")
	require.Len(t, lines, 10)
	require.Equal(t, "::error file=tide_test.go,line=9,title=Test008 fails::Test008: x", lines[8])
	require.Equal(t, "::error title=slipway::and 91 more errors: the summary and the log of the job have them", lines[9])
	require.Len(t, wire(t, many(10, "fail"), "."), 10)
	require.Len(t, wire(t, many(11, "flaky"), "."), 11) // 10 warnings, and the package that fails
}

func TestFinish_BoundsMessages(t *testing.T) {
	t.Parallel()
	var output []string
	for i := range 40 {
		output = append(output, fmt.Sprintf("    line %d %s", i, strings.Repeat("é", 1000)))
	}
	lines := wire(t, tested(in("example.com/tide", failing("TestTide", output...))), ".")
	require.Len(t, lines, 1)
	require.Less(t, len([]rune(lines[0])), 4096)
	require.True(t, strings.HasSuffix(lines[0], "%0Aand 30 more lines"))
}
