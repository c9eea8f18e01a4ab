package gha_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/receipt"
)

// hostile are texts that would be commands.
func hostile() []string {
	return []string{
		"::set-output name=digest::sha256:evil", "::add-mask::a", "::stop-commands::x", "::error file=a.go::x", "  \t::group::x", "\ufeff::add-mask::x", "\u2028::add-mask::x", "\u00a0::add-mask::x",
		"x\r::add-mask::x", "x\n::add-mask::x", "x\r\n::add-mask::x", "x%0A::add-mask::x", "x\v::add-mask::x", "x\u0085::add-mask::x", "x\u2029::add-mask::x",
		"##[add-mask]x", "a ##[set-env name=PATH]/evil", "###[group]x", "##[add-mask]##[add-mask]x", "##\x00[add-mask]x", "#\x1b[0m#[add-mask]x", "#\u034f#[add-mask]x", "##[\ufe0fadd-mask]x",
		":\x00:add-mask::x", ":\u200b:add-mask::x", "\ufe0f::add-mask::x", "\u00ad::add-mask::x", ":\u034f:add-mask::x", "\U0001d165::add-mask::x", "\xff::add-mask::x", ":::add-mask::x",
		"\x1b[31m::add-mask::x", "\x1b]0;\x07::add-mask::x", "::" + token + "::", "##[" + token + "]", strings.ToLower("::" + token + "::"),
		"::ADD-MASK::x", "::error::", "##[endgroup]", "##[group]", "::", "%3A%3Aadd-mask::x", "title=x,file=/etc/passwd::y", gha.Delimiter, "",
		"tide-secret", "tide-\x00secret", "::tide-\u034fsecret::",
	}
}

// receiptOf has a text wherever a receipt has one from outside.
func receiptOf(text string) *receipt.Receipt {
	r := tide()
	r.Images[0].Plan.Module = text
	r.Failure = &receipt.Failure{Kind: "registry", Step: text, What: text, Fix: text}
	r.Tests = &finding.Tests{Vet: []string{text, text + ".go:1:1: " + text}, Packages: []finding.TestPackage{
		{Name: text, Outcome: "fail", Output: []string{text, "panic: " + text, "\t" + text + ".go:1 +0x1"}},
		{Name: text + "/a", Outcome: "fail", Tests: []finding.Test{{Name: text, Outcome: "fail", Output: []string{text, "    " + text + ".go:3: " + text}}, {Name: text + "b", Outcome: "flaky", Output: []string{text}}}},
	}}
	r.Findings = []finding.Finding{
		{Gate: text, ID: text, Severity: finding.Severity(text), What: text, Fix: text, Status: finding.Fails, Paths: []string{text + ":7"}, Trace: []string{text}},
		{Gate: text, ID: text, What: text, Status: finding.Fails, Package: &finding.Package{Name: text, Kind: "deb", Installed: text}},
	}
	r.Gates = []finding.Gate{{Name: text + "x", Outcome: finding.Unjudged, Summary: text, Fix: text}}
	r.Origins = map[string]string{"base": text, "builder": text}
	r.Run.Replay = text
	r.Images[0].Digest = text
	return r
}

// everything says a text in every way that there is, and returns what the log got and
// the commands that it should have.
func everything(t testing.TB, text, root string) (string, []heard) {
	j := begin(t)
	j.Mask("tide-secret")
	r := j.Reporter()
	s := r.Start(text)
	s.Log(text)
	s.Log("x" + text)
	j.late[0]()
	r.Note(text)
	j.pass(time.Second)
	s.Done(text)
	s = r.Start("x")
	s.Log(text)
	s.Fail(errors.New(text))
	j.Error(errors.Join(errors.New(text), fault.New(fault.Usage, "x %s", text).WithFix("%s", text).WithDetail(text, text)))
	result := receiptOf(text)
	require.NoError(t, j.Finish(result, gha.Finish{Root: root, Receipt: text}))
	r.Start(text)
	j.Close()
	want := []heard{{name: "stop-commands", data: token}, {name: "resume"}, {name: "add-mask", data: "tide-secret"}, {name: "stop-commands", data: token}, {name: "resume"}}
	for _, c := range j.Commands(result, root) {
		want = append(want, heard{c.Name, c.Properties, c.Message})
	}
	outputs(t, j.file(t, "GITHUB_OUTPUT"))
	require.Equal(t, 1, strings.Count(j.out.String(), "tide-secret"), "a secret is said to add-mask only: %q", j.out.String())
	require.NotContains(t, j.file(t, "GITHUB_OUTPUT"), "tide-secret")
	return j.out.String(), append(want, heard{name: "stop-commands", data: token}, heard{name: "resume"})
}

// outputs reads the file of outputs as the runner does, and wants only names that are ours.
func outputs(t testing.TB, text string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines) && text != ""; i++ {
		name, delimiter, ok := strings.Cut(lines[i], "<<")
		require.True(t, ok, "%q", text)
		require.Contains(t, []string{"verdict", "digest", "image", "images", "tags", "replay", "sbom", "receipt", "report"}, name, "%q", text)
		for i++; lines[i] != delimiter; i++ {
			require.NotContains(t, lines[i], "\r")
		}
	}
}

// protected holds the two lines of defence by themselves: commands that are stopped, and
// lines that would be none even if they were heard.
func protected(t testing.TB, text, root string) {
	log, want := everything(t, text, root)
	same := func(got []heard) {
		require.Len(t, got, len(want), "%q", log)
		for i, c := range got {
			require.Equal(t, want[i].name, c.name)
			require.Equal(t, want[i].data, c.data)
			for k, v := range want[i].properties {
				if v != "" && !strings.HasPrefix(v, "=") {
					require.Equal(t, v, c.properties[k], "%s of %q", k, log)
				}
			}
			require.LessOrEqual(t, len(c.properties), len(want[i].properties), "%q", log)
			if file := c.properties["file"]; file != "" {
				require.NotRegexp(t, `^/|(^|/)\.\.(/|$)`, file)
			}
		}
	}
	r := (&runner{}).feed(log)
	same(r.heard)
	marks := 0
	for _, line := range r.log {
		if strings.Contains(line, "##[") {
			require.Regexp(t, `^##\[(group|endgroup|error|warning)\]`, line)
			if strings.HasPrefix(line, "##[group]") || line == "##[endgroup]" {
				marks++
			}
		}
	}
	require.Equal(t, 2, marks, "one group, %q", log)
	listening := (&runner{hearing: true}).feed(log)
	var rest []heard
	for _, c := range listening.heard {
		if c.name != "group" && c.name != "endgroup" {
			rest = append(rest, c)
		}
	}
	same(rest)
	require.Len(t, listening.heard, len(rest)+2)
}

func TestProtection_HostileLinesAreNoCommands(t *testing.T) {
	t.Parallel()
	for _, text := range hostile() {
		protected(t, text, text)
		protected(t, "x"+text+text, "svc")
	}
}

// The model must take the hostile texts for commands: else it proves nothing.
func TestRunner_HearsCommands(t *testing.T) {
	t.Parallel()
	n := 0
	for _, text := range hostile() {
		n += min(len((&runner{}).feed(text).heard), 1)
	}
	require.Equal(t, 28, n)
	r := (&runner{}).feed("::stop-commands::abc\n::add-mask::x\n##[add-mask]x\n::ABC::\n ::warning file=a%2Cb.go,line=3::x%0Ay%250A\n")
	require.Equal(t, []heard{{"stop-commands", map[string]string{}, "abc"}, {name: "resume"}, {"warning", map[string]string{"file": "a,b.go", "line": "3"}, "x\ny%0A"}}, r.heard)
}

func TestProtection_AltersLinesVisibly(t *testing.T) {
	t.Parallel()
	j := begin(t)
	for text, want := range map[string]string{
		"::add-mask::x": ": :add-mask::x", "a ##[group]b": "a # #[group]b", ":\u034f:add-mask::x": ": :add-mask::x", "#\ufe0f#[group]x": "# #[group]x", "e\u0301t\u00e9 a::b ok \u2764\ufe0f": "e\u0301t\u00e9 a::b ok \u2764\ufe0f",
	} {
		require.Equal(t, want, j.Defused(text))
	}
}

func FuzzProtection(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, "svc")
	}
	f.Fuzz(func(t *testing.T, text, root string) { protected(t, text, root) })
}
