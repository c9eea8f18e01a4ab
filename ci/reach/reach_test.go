package reach_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/reach"
)

const begin = `{"config":{"protocol_version":"v1.0.0","scanner_name":"govulncheck","scan_level":"symbol","scan_mode":"source"}}
{"SBOM":{"go_version":"go1.26.8","roots":["example.com/tide"]}}
{"progress":{"message":"Checking the code against the vulnerabilities..."}}
{"osv":{"id":"GO-2026-6609","aliases":["CVE-2026-78667"]}}
`

func vulnerable(id, module string) finding.Finding {
	kind := "gomod"
	if module == "stdlib" {
		kind = module
	}
	return finding.Finding{ID: id, Platforms: []string{"linux/amd64"}, Package: &finding.Package{Name: module, Kind: kind}}
}

// annotated is what is said of one finding.
func annotated(t *testing.T, stream string, f finding.Finding) finding.Finding {
	t.Helper()
	calls, err := reach.Parse([]byte(stream))
	require.NoError(t, err)
	list := []finding.Finding{f}
	reach.Annotate(list, calls, "linux/amd64")
	require.Len(t, list, 1)
	return list[0]
}

func TestAnnotate_SaysHowFarTheProgramGoes(t *testing.T) {
	t.Parallel()
	const (
		module  = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"stdlib","version":"v1.26.8"}]}}`
		pkg     = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"stdlib","package":"net/http"}]}}`
		called  = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"stdlib","package":"net/http","function":"ServeContent","position":{"filename":"src/net/http/fs.go","line":7}},{"module":"m","package":"m/tide","function":"main","position":{"filename":"tide/main.go","line":9}}]}}`
		longer  = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"stdlib","package":"net/http","function":"conn","receiver":"*T"},{"module":"d","package":"m/d/v4","function":"a$1"},{"module":"m","package":"m/tide","function":"main","position":null}]}}`
		aslong  = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"stdlib","package":"net/http","function":"ServeZ"},{"module":"m","package":"m/tide","function":"main","position":{"filename":"tide/main.go","line":9}}]}}`
		another = `{"finding":{"osv":"GO-2026-6609","trace":[{"module":"other","package":"p","function":"f"}]}}`
		unnamed = `{"finding":{"osv":"GO-2026-1","trace":[{"module":"stdlib","package":"p","function":"f"}]}}`
	)
	shortest := []string{"tide.main (tide/main.go:9)", "http.ServeContent (src/net/http/fs.go:7)"}
	for name, tt := range map[string]struct {
		stream string
		want   finding.Reach
		trace  []string
	}{
		// As with a module that another one replaces: it may be called all the same.
		"it is not found":              {"", "", nil},
		"it is in another module":      {another, "", nil},
		"another one is found":         {unnamed, "", nil},
		"it comes without any place":   {`{"finding":{"osv":"GO-2026-6609"}}`, "", nil},
		"the module is required":       {module, finding.Present, nil},
		"the package is imported":      {module + pkg, finding.Imported, nil},
		"it is called":                 {module + pkg + longer + called, finding.Called, shortest},
		"in whatever order":            {called + longer + pkg + module, finding.Called, shortest},
		"by ways of one length":        {aslong + called, finding.Called, shortest},
		"in whatever order these come": {called + aslong, finding.Called, shortest},
		"by a method":                  {longer, finding.Called, []string{"tide.main", "d.a$1", "http.T.conn"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := vulnerable("CVE-2026-78667", "stdlib")
			got := annotated(t, begin+tt.stream, f)
			require.Equal(t, tt.want, got.Reach)
			require.Equal(t, tt.trace, got.Trace)
			got.Reach, got.Trace = "", nil
			require.Equal(t, f, got, "nothing else is touched")
		})
	}
}

func TestAnnotate_KnowsAVulnerabilityByAnyName(t *testing.T) {
	t.Parallel()
	const stream = begin + `{"osv":{"id":"GO-2026-7","aliases":["CVE-2026-7","GHSA-aaaa-bbbb-cccc"]}}
{"finding":{"osv":"GO-2026-7","trace":[{"module":"example.com/m/v2","package":"example.com/m/v2/p"}]}}`
	named := func(id string, aliases ...string) finding.Finding {
		f := vulnerable(id, "example.com/m/v2")
		f.Aliases = aliases
		return f
	}
	of := func(change func(*finding.Finding)) finding.Finding {
		f := named("CVE-2026-7")
		change(&f)
		return f
	}
	for name, tt := range map[string]struct {
		f    finding.Finding
		want finding.Reach
	}{
		"Go's":                        {named("GO-2026-7"), finding.Imported},
		"an alias":                    {named("GHSA-aaaa-bbbb-cccc"), finding.Imported},
		"an alias of both":            {named("DSA-1", "CVE-2026-7"), finding.Imported},
		"an alias that is Go's":       {named("DSA-1", "x", "GO-2026-7"), finding.Imported},
		"one that nobody knows":       {named("CVE-2026-70", "GHSA-aaaa-bbbb-ccc"), ""},
		"one of another module":       {of(func(f *finding.Finding) { f.Package.Name = "example.com/m" }), ""},
		"one of another kind":         {of(func(f *finding.Finding) { f.Package.Kind = "deb" }), ""},
		"one of another platform":     {of(func(f *finding.Finding) { f.Platforms = []string{"linux/arm64"} }), ""},
		"one that is in no package":   {of(func(f *finding.Finding) { f.Package = nil }), ""},
		"one that goes further there": {of(func(f *finding.Finding) { f.Reach, f.Trace = finding.Called, []string{"a"} }), finding.Called},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, annotated(t, stream, tt.f).Reach)
		})
	}
}

func TestAnnotate_BoundsWhatASourceNames(t *testing.T) {
	t.Parallel()
	frames := strings.TrimSuffix(strings.Repeat(`{"module":"stdlib","package":"p","function":"`+strings.Repeat("f", 10_000)+`\u001b[2J\n","position":{"filename":"a\u202eb.go","line":1}},`, 100), ",")
	got := annotated(t, begin+`{"finding":{"osv":"GO-2026-6609","trace":[`+frames+`]}}`, vulnerable("GO-2026-6609", "stdlib"))
	require.Len(t, got.Trace, 13)
	require.Equal(t, "... 88 more ...", got.Trace[6])
	require.Equal(t, "p."+strings.Repeat("f", 118)+"... (ab.go:1)", got.Trace[0])
}

func TestParse_BelievesNothingElse(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":          "",
		"no JSON":          "govulncheck: no",
		"a list":           "[]",
		"cut short":        begin + `{"finding":{"osv":`,
		"no introduction":  `{"osv":{"id":"GO-2026-6609"}}`,
		"another protocol": `{"config":{"protocol_version":"v2.0.0","scan_level":"symbol","scan_mode":"source"}}`,
		"another level":    `{"config":{"protocol_version":"v1.0.0","scan_level":"module","scan_mode":"source"}}`,
		"another mode":     `{"config":{"protocol_version":"v1.0.0","scan_level":"symbol","scan_mode":"binary"}}`,
		"too much":         strings.Repeat(" ", 64<<20) + begin,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reach.Parse([]byte(text))
			require.Equal(t, fault.Unjudged, fault.KindOf(err))
			require.ErrorContains(t, err, "reading what govulncheck printed: ")
		})
	}
}

// The answers are recorded by ci/e2e: go test ./ci/e2e -run TestReach -update
func TestParse_ReadsRecordedAnswers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]finding.Finding{
		"called":   {Reach: finding.Called, Trace: []string{"called.main (cmd/called/main.go:9)", "called.greet (cmd/called/main.go:12)", "language.ParseAcceptLanguage (language/parse.go:158)"}},
		"imported": {Reach: finding.Imported},
		"required": {Reach: finding.Present},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := annotated(t, recorded(t, name), vulnerable("CVE-2022-32149", "golang.org/x/text"))
			require.Equal(t, want.Reach, got.Reach)
			require.Equal(t, want.Trace, got.Trace)
		})
	}
}

func recorded(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return string(text)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(begin))
	f.Add([]byte(begin + `{"finding":{"osv":"GO-2026-6609","trace":[null,{}]}}`))
	f.Add([]byte(recorded(f, "called")))
	f.Fuzz(func(t *testing.T, stream []byte) {
		calls, err := reach.Parse(stream)
		if err != nil {
			require.Equal(t, fault.Unjudged, fault.KindOf(err))
			return
		}
		list := []finding.Finding{vulnerable("GO-2026-6609", "stdlib"), vulnerable("CVE-2022-32149", "golang.org/x/text")}
		reach.Annotate(list, calls, "linux/amd64")
		require.Len(t, list, 2)
		for _, got := range list {
			require.Contains(t, []finding.Reach{"", finding.Present, finding.Imported, finding.Called}, got.Reach)
			require.Equal(t, got.Reach == finding.Called, len(got.Trace) > 0)
			require.LessOrEqual(t, len(got.Trace), 13)
			for _, line := range got.Trace {
				require.LessOrEqual(t, len(line), 300)
				require.False(t, strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
			}
		}
	})
}
