package gocmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

var update = flag.Bool("update", false, "write the golden files")

var errExit = errors.New("exit status 1")

// testdata/tests holds what go1.26.9 printed for packages that end in every way, with
// the folders of that machine and the times left out.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "tests", name+".json"))
	require.NoError(t, err)
	return text
}

// answers are what a go command prints, by its first arguments.
type answers map[string]gocmd.Output

// runner runs nothing and answers in pieces of three bytes.
func (a answers) runner(calls *[]string) gocmd.Runner {
	return gocmd.Runner{Run: func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		*calls = append(*calls, strings.Join(append(slices.Clone(env), args...), " "))
		out := a[args[0]]
		for part := range slices.Chunk(out.Stdout, 3) {
			if _, err := stdout.Write(part); err != nil {
				return gocmd.Output{}, err
			}
		}
		return gocmd.Output{Stderr: out.Stderr, Err: out.Err}, nil
	}}
}

type log struct {
	step.Step
	lines []string
}

func (l *log) Log(line string)  { l.lines = append(l.lines, line) }
func (l *log) Ran(step.Command) {}

func command() *gocmd.Go {
	return &gocmd.Go{Source: engine.Source{Root: "/src", TreeRoot: "/src"}, Tree: "/src", Modules: "/go/pkg/mod"}
}

// The golden files show the results and the error, as users read them.
func TestTest_TellsHowPackagesEnd(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pass", "fails", "panics", "exits", "slow", "builds", "race"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []string
			said := gocmd.Output{Stdout: recorded(t, name)}
			if name != "pass" {
				said.Err = errExit
			}
			var heard []string
			asked := engine.Tests{Packages: []string{"./..."}, Event: func(p finding.TestPackage) { heard = append(heard, p.Name) }}
			found, err := command().Test(asked, answers{"test": said}.runner(&calls), &log{})
			require.Equal(t, []string{"vet -mod=readonly -buildvcs=false -- ./...", "test -json -vet=off -mod=readonly -buildvcs=false ./..."}, calls)
			require.Len(t, heard, len(found.Packages))
			if name == "pass" {
				require.NoError(t, err)
			} else {
				require.Equal(t, fault.Tests, fault.KindOf(err))
				require.ErrorIs(t, err, errExit)
			}
			got := found.Summary() + "\n"
			if f, ok := errors.AsType[*fault.Error](err); ok {
				got += "error: " + f.What + "\n  " + strings.Join(f.Detail, "\n  ") + "\nfix: " + f.Fix + "\n"
				require.LessOrEqual(t, len(f.Detail), 61)
			}
			text, err := json.MarshalIndent(found, "", "  ")
			require.NoError(t, err)
			golden(t, name, got+string(text)+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "tests", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestTest_SaysVetAndTestsInOneSentence(t *testing.T) {
	t.Parallel()
	vet := gocmd.Output{Stderr: []byte("# example.com/tide/vetted\n# [example.com/tide/vetted]\n/src/vetted/vetted.go:5:26: fmt.Printf format %d has arg \"tide\" of wrong type string\n"), Err: errExit}
	repeats := gocmd.Output{Stderr: []byte("# example.com/tide/broken\n# [example.com/tide/broken]\nvet: broken/broken.go:3:29: undefined: tide\n"), Err: errExit}
	for name, c := range map[string]struct {
		said      answers
		what, fix string
	}{
		"vet alone": {answers{"vet": vet, "test": {Stdout: recorded(t, "pass")}}, "go vet fails", "correct vetted/vetted.go:5:26"},
		"both": {
			answers{"vet": vet, "test": {Stdout: recorded(t, "panics"), Err: errExit}},
			"3 tests fail, TestExitZero first, and go vet fails", "correct vetted/vetted.go:5:26",
		},
		"what does not build is told once": {
			answers{"vet": repeats, "test": {Stdout: recorded(t, "builds"), Err: errExit}},
			"the tests of 5 packages do not build, example.com/tide/broken first", "correct broken/broken.go:3:29",
		},
		"several ends": {
			answers{"test": {Stdout: append(recorded(t, "exits"), recorded(t, "builds")...), Err: errExit}},
			"2 tests fail, TestExit first, the tests of 2 packages fail, example.com/tide/mainafter first, and the tests of 5 packages do not build, example.com/tide/broken first",
			"correct broken/broken.go:3:29",
		},
		"no result": {answers{"test": {Stdout: []byte("signal: killed\n"), Err: errExit}}, "go test fails", "run go vet ./... and go test ./... in the source folder"},
		"a package without an end": {
			answers{"test": {Stdout: []byte(`{"Action":"start","Package":"example.com/tide"}`)}},
			"the tests of example.com/tide fail", "correct the source or the tests",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []string
			found, err := command().Test(engine.Tests{Packages: []string{"./..."}}, c.said.runner(&calls), &log{})
			require.NotNil(t, found)
			require.NotContains(t, strings.Join(found.Vet, "\n"), "# ")
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, c.what, f.What)
			require.Equal(t, c.fix, f.Fix)
			require.Len(t, calls, 2, "the tests run also where go vet fails")
		})
	}
}

// Packages are vetted side by side.
func TestTest_SortsWhatVetSays(t *testing.T) {
	t.Parallel()
	var calls []string
	const said = "b.go:2:1: no required module; to add it:\n\tgo get example.com/m\n# b\n# [b]\nvet: a.go:1:1: undefined: x\n# a\na.go:1:1: undefined: x\n"
	found, err := command().Test(engine.Tests{}, answers{"vet": {Stderr: []byte(said), Err: errExit}}.runner(&calls), &log{})
	require.EqualError(t, err, "go vet fails: correct a.go:1:1")
	require.Equal(t, []string{"a.go:1:1: undefined: x", "b.go:2:1: no required module; to add it:", "\tgo get example.com/m"}, found.Vet)
}

// /src is also a part of the toolchain's own paths.
func TestTest_ShortensPathsOfTheSourceAlone(t *testing.T) {
	t.Parallel()
	var calls []string
	const said = "/src/a/a.go:1 /usr/local/go/src/fmt/print.go:2 \"/src/b.go\" /go/pkg/mod/m@v1/m.go:3 ./src/c.go"
	out := fmt.Sprintf("{\"Action\":\"output\",\"Package\":\"p\",\"Output\":%q}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n", said+"\n")
	found, err := command().Test(engine.Tests{}, answers{"test": {Stdout: []byte(out)}}.runner(&calls), &log{})
	require.Error(t, err)
	require.Equal(t, []string{"a/a.go:1 /usr/local/go/src/fmt/print.go:2 \"b.go\" m@v1/m.go:3 ./src/c.go"}, found.Packages[0].Output)
}

// What a step logs is for people: no JSON, no frames, the lines of failing and passing
// tests alike.
func TestTest_LogsLines(t *testing.T) {
	t.Parallel()
	var calls []string
	l := &log{}
	_, err := command().Test(engine.Tests{Packages: []string{"./..."}}, answers{"test": {Stdout: recorded(t, "pass"), Stderr: []byte("go: warning\n")}}.runner(&calls), l)
	require.NoError(t, err)
	require.Equal(t, []string{
		"go vet -mod=readonly -buildvcs=false -- ./...", "go test -json -vet=off -mod=readonly -buildvcs=false ./...",
		"    pass_test.go:5: said by a test that passes", "to stderr", "--- PASS: TestHigh (0.00s)",
		"--- PASS: TestTable/noon (0.00s)", "--- PASS: TestTable/a_b/c (0.00s)", "--- PASS: TestTable (0.00s)",
		"    pass_test.go:11: no moon", "--- SKIP: TestSkipped (0.00s)", "PASS", "ok  \texample.com/tide/pass\t(cached)",
		"?   \texample.com/tide/none\t[no test files]", "go: warning",
	}, l.lines)
}

func TestTest_LooksForRacesWhereItCan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said   answers
		noRace string
	}{
		"a compiler": {answers{}, ""},
		"none":       {answers{"run": {Stderr: []byte("# runtime/cgo\ncgo: C compiler \"gcc\" not found: exec: \"gcc\": executable file not found in $PATH\n"), Err: errExit}}, "no C compiler"},
		"no headers": {answers{"run": {Stderr: []byte("# runtime/cgo\n_cgo_export.c:3:10: fatal error: stdlib.h: No such file or directory\n"), Err: errExit}}, "the C compiler cannot build for it: _cgo_export.c:3:10: fatal error: stdlib.h: No such file or directory"},
		"no races":   {answers{"run": {Stderr: []byte("go: -race is not supported on linux/386\n"), Err: errExit}}, "race is not supported on linux/386"},
		"silence":    {answers{"run": {Err: errExit}}, "the C compiler cannot build for it: exit status 1"},
		"other code": {answers{"list": {Stdout: []byte("example.com/sqlite\nexample.com/sqlite [example.com/sqlite.test]\n")}}, "it needs cgo, and with cgo the package example.com/sqlite is not what is in the image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []string
			by := c.said.runner(&calls)
			by.Compiler, by.Probe, by.NoCompiler = []string{"CC=/usr/bin/cc"}, "/probe.go", "no C compiler"
			found, err := command().Test(engine.Tests{Packages: []string{"./..."}, Race: true}, by, &log{})
			require.NoError(t, err)
			require.Equal(t, c.noRace, found.NoRace)
			require.Equal(t, c.noRace == "", found.Race)
			require.Equal(t, "CC=/usr/bin/cc CGO_ENABLED=1 run -race -mod=readonly /probe.go", calls[0])
			last := calls[len(calls)-1]
			require.Equal(t, found.Race, strings.HasPrefix(last, "CC=/usr/bin/cc CGO_ENABLED=1 test -json -vet=off -race "), last)
		})
	}
	var calls []string
	by := answers{}.runner(&calls)
	by.NoCompiler = "no C compiler on PATH"
	found, err := command().Test(engine.Tests{Race: true}, by, &log{})
	require.NoError(t, err)
	require.Equal(t, "no C compiler on PATH", found.NoRace)
	require.Len(t, calls, 2, "nothing is tried without a compiler")
}

// What a test prints is bounded in lines, in width and in all, and what it wants to be
// another test's result is a line like others.
func TestResults_AreBounded(t *testing.T) {
	t.Parallel()
	event := func(action, test, output string) string {
		text, err := json.Marshal(map[string]string{"Action": action, "Package": "p", "Test": test, "Output": output})
		require.NoError(t, err)
		return string(text) + "\n"
	}
	r := &gocmd.Results{}
	write := func(text string) { _, _ = io.WriteString(r, text) }
	write(event("start", "", ""))
	write(event("run", "TestWide", "") + event("output", "TestWide", strings.Repeat("x", 60_000)) + event("output", "TestWide", "y\n") + event("fail", "TestWide", ""))
	write(event("run", "TestLong", ""))
	for i := range 100_000 {
		write(event("output", "TestLong", fmt.Sprintln("line", i)))
	}
	write(event("fail", "TestLong", ""))
	for i := range 3_000 {
		name := fmt.Sprint("Test", i)
		write(event("run", name, "") + event("output", name, strings.Repeat("z", 5_000)+"\n") + event("fail", name, ""))
	}
	write(strings.Repeat("{", 1<<20) + "\n" + `{"Action":"output","Package":"` + strings.Repeat("q", 100_000) + "\"}\n")
	write(event("fail", "", ""))
	packages := r.End()
	require.Len(t, packages, 1)
	tests := packages[0].Tests
	require.Len(t, tests, 3_002)
	require.Len(t, tests[0].Output[0], 4096)
	require.Len(t, tests[1].Output, 101)
	require.Equal(t, "... 99900 lines are left out ...", tests[1].Output[60])
	require.Equal(t, "line 99999", tests[1].Output[100])
	require.Equal(t, []string{"... 1 lines are left out ..."}, tests[3_001].Output)
	require.Less(t, size(packages), 9<<20)
}

func TestResults_ListSoManyTests(t *testing.T) {
	t.Parallel()
	r := &gocmd.Results{}
	for i := range 60_000 {
		fmt.Fprintf(r, "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"Test%d\"}\n{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"Test%d\"}\n", i, i)
	}
	fmt.Fprintln(r, `{"Action":"pass","Package":"p"}`)
	packages := r.End()
	require.Len(t, packages[0].Tests, 50_000)
	require.Equal(t, []string{"10000 more tests are not listed"}, packages[0].Output)
}

func size(packages []finding.TestPackage) int {
	text, _ := json.Marshal(packages)
	return len(text)
}

func FuzzResults(f *testing.F) {
	for _, name := range []string{"pass", "fails", "exits", "builds"} {
		text := recorded(f, name)
		f.Add(text[:min(len(text), 1<<10)], 7)
	}
	f.Add([]byte("{}\n{\"Action\":\"fail\"}\nloose\r\n\x00{"), 1)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		whole, parts := &gocmd.Results{}, &gocmd.Results{}
		_, _ = whole.Write(text)
		for part := range slices.Chunk(text, max(1, n)) {
			_, _ = parts.Write(part)
		}
		packages := whole.End()
		require.Equal(t, packages, parts.End(), "where the text is cut does not matter")
		require.Equal(t, whole.Loose(), parts.Loose())
		for _, p := range packages {
			require.NotEmpty(t, p.Name)
			require.Contains(t, []string{"pass", "fail", "skip"}, p.Outcome)
			for _, test := range p.Tests {
				require.Contains(t, []string{"pass", "fail", "skip"}, test.Outcome)
				require.NotContains(t, strings.Join(test.Output, ""), "\n")
				require.False(t, bytes.ContainsRune([]byte(strings.Join(test.Output, "")), 0x1b))
			}
		}
	})
}
