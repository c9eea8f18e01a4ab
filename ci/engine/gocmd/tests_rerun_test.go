package gocmd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
)

// script is what go test prints, run by run.
type script struct {
	// turns are the events of each run, in few words: see events. A run that is not there
	// ends without a result.
	turns []string
	// ends are how runs end that do not end as their tests do.
	ends  map[int]error
	calls []string
}

func (s *script) runner() gocmd.Runner {
	return gocmd.Runner{Run: func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		if args[0] != "test" {
			return gocmd.Output{}, nil
		}
		n := len(s.calls)
		s.calls = append(s.calls, strings.Join(append(env, args...), " "))
		if n >= len(s.turns) {
			return gocmd.Output{}, nil
		}
		out := gocmd.Output{}
		if strings.Contains(s.turns[n], "=fail") || strings.Contains(s.turns[n], "=cut") {
			out.Err = errExit
		}
		if end, ok := s.ends[n]; ok {
			out.Err = end
		}
		_, err := io.WriteString(stdout, events(s.turns[n]))
		return out, err
	}}
}

// events are the lines for words such as "p/TestHigh=fail p=fail": the tests of a package,
// and how it ends. p=cut fails before all tests ran, p=unbuilt does not build.
func events(words string) string {
	var b strings.Builder
	add := func(action, pkg, test, more string, args ...any) {
		fmt.Fprintf(&b, "{\"Action\":%q,\"Package\":%q,\"Test\":%q%s}\n", action, pkg, test, fmt.Sprintf(more, args...))
	}
	for word := range strings.FieldsSeq(words) {
		name, outcome, _ := strings.Cut(word, "=")
		pkg, test, isTest := strings.Cut(name, "/")
		switch {
		case isTest:
			add("run", pkg, test, "")
			add("output", pkg, test, `,"Output":%q`, "    "+pkg+"_test.go:1: no water\n")
			if outcome != "" {
				add(outcome, pkg, test, "")
			}
		case outcome == "cut":
			add("output", pkg, "", `,"Output":%q`, "panic: tide\n")
			add("fail", pkg, "", "")
		case outcome == "unbuilt":
			add("fail", pkg, "", `,"FailedBuild":%q`, pkg)
		case outcome == "fail":
			add("output", pkg, "", `,"Output":"FAIL\n"`)
			add("output", pkg, "", `,"Output":%q`, "FAIL\t"+pkg+"\t0.1s\n")
			add("fail", pkg, "", "")
		default:
			add(outcome, pkg, "", "")
		}
	}
	return b.String()
}

// told are results in the words of events.
func told(found *finding.Tests) string {
	var words []string
	for _, p := range found.Packages {
		for _, test := range p.Tests {
			words = append(words, p.Name+"/"+test.Name+"="+test.Outcome)
		}
		words = append(words, p.Name+"="+p.Outcome)
	}
	return strings.Join(words, " ")
}

func TestRerun_TellsFlakyTestsFromOthers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5_000)
	for name, c := range map[string]struct {
		times int
		turns []string
		ends  map[int]error
		// runs are the arguments that each rerun has.
		runs []string
		want string
		// reruns are the rounds, err what is left to say.
		reruns int
		err    string
	}{
		"nobody asks": {0, []string{"p/TestHigh=fail p=fail"}, nil, nil, "p/TestHigh=fail p=fail", 0, "the test TestHigh fails"},
		"all passes":  {3, []string{"p/TestHigh=pass p=pass"}, nil, nil, "p/TestHigh=pass p=pass", 0, ""},
		"passes then": {
			3, []string{"p/TestHigh=fail p/TestLow=pass p=fail", "p/TestHigh=pass p=pass"}, nil,
			[]string{"-run=^(TestHigh)$ p"}, "p/TestHigh=flaky p/TestLow=pass p=pass", 1, "",
		},
		"never passes": {
			2, []string{"p/TestHigh=fail p=fail", "p/TestHigh=fail p=fail", "p/TestHigh=fail p=fail"}, nil,
			[]string{"-run=^(TestHigh)$ p", "-run=^(TestHigh)$ p"}, "p/TestHigh=fail p=fail", 2, "the test TestHigh fails",
		},
		"only what still fails": {
			5, []string{"p/TestA=fail p/TestB=fail p=fail q/TestC=fail q=fail", "p/TestA=pass p/TestB=fail p=fail", "q/TestC=pass q=pass", "p/TestB=pass p=pass"}, nil,
			[]string{"-run=^(TestA|TestB)$ p", "-run=^(TestC)$ q", "-run=^(TestB)$ p"}, "p/TestA=flaky p/TestB=flaky p=pass q/TestC=flaky q=pass", 2, "",
		},
		"some fail for good": {
			1, []string{"p/TestA=fail p=fail q/TestC=fail q=fail", "p/TestA=pass p=pass", "q/TestC=fail q=fail"}, nil,
			[]string{"-run=^(TestA)$ p", "-run=^(TestC)$ q"}, "p/TestA=flaky p=pass q/TestC=fail q=fail", 1, "the test TestC fails",
		},
		"a skip is no pass": {1, []string{"p/TestA=fail p=fail", "p/TestA=skip p=pass"}, nil, []string{"-run=^(TestA)$ p"}, "p/TestA=fail p=fail", 1, "the test TestA fails"},
		"parents follow": {
			1, []string{"p/TestA=fail p/TestA/a=pass p/TestA/b=fail p/TestA/b/c=fail p=fail", "p/TestA=pass p/TestA/a=pass p/TestA/b=pass p/TestA/b/c=pass p=pass"}, nil,
			[]string{"-run=^(TestA)$ p"}, "p/TestA=flaky p/TestA/a=pass p/TestA/b=flaky p/TestA/b/c=flaky p=pass", 1, "",
		},
		"another name each time": {
			1, []string{"p/TestA=fail p/TestA/one=fail p=fail", "p/TestA=pass p/TestA/two=pass p=pass"}, nil,
			[]string{"-run=^(TestA)$ p"}, "p/TestA=fail p/TestA/one=fail p/TestA/two=pass p=fail", 1, "the test TestA/one fails",
		},
		"another subtest fails": {
			2, []string{"p/TestA=fail p/TestA/a=pass p/TestA/b=fail p=fail", "p/TestA=fail p/TestA/a=fail p/TestA/b=pass p=fail", "p/TestA=fail p/TestA/a=pass p/TestA/b=fail p=fail"}, nil,
			[]string{"-run=^(TestA)$ p", "-run=^(TestA)$ p"}, "p/TestA=fail p/TestA/a=flaky p/TestA/b=fail p=fail", 2, "the test TestA/b fails",
		},
		"a panic hides the tests behind it": {
			2, []string{"p/TestA=pass p/TestPanic= p=cut", "p/TestA=pass p/TestPanic=pass p/TestHidden=fail p=fail", "p/TestHidden=fail p=fail"}, nil,
			[]string{"p", "-run=^(TestHidden)$ p"}, "p/TestA=pass p/TestPanic=flaky p/TestHidden=fail p=fail", 2, "the test TestHidden fails",
		},
		"a panic now and then": {
			2, []string{"p/TestPanic= p=cut", "p/TestPanic=pass p/TestOther= p=cut", "p/TestPanic=pass p/TestOther=pass p/TestLast=pass p=pass"}, nil,
			[]string{"p", "p"}, "p/TestPanic=flaky p/TestOther=flaky p/TestLast=pass p=pass", 2, "",
		},
		"one panics, then the other": {
			2, []string{"p/TestPanic= p=cut", "p/TestPanic=pass p/TestOther= p=cut", "p/TestOther=pass p/TestPanic= p=cut"}, nil,
			[]string{"p", "p"}, "p/TestPanic=fail p/TestOther=flaky p=fail", 2, "the test TestPanic fails",
		},
		"outside tests":                   {2, []string{"p/TestA=pass p=cut q=unbuilt"}, nil, nil, "p/TestA=pass p=fail q=fail", 0, "the tests of p fail, and the tests of q do not build"},
		"outside tests the second time":   {1, []string{"p/TestA=fail p=fail", "p/TestA=pass p=cut"}, nil, []string{"-run=^(TestA)$ p"}, "p/TestA=fail p=fail", 1, "the test TestA fails"},
		"no tests the second time":        {1, []string{"p/TestA=fail p=fail", "p=pass"}, nil, []string{"-run=^(TestA)$ p"}, "p/TestA=fail p=fail", 1, "the test TestA fails"},
		"go test is killed":               {1, []string{"p/TestA=fail p=fail"}, map[int]error{0: errors.New("signal: killed")}, nil, "p/TestA=fail p=fail", 0, "the test TestA fails"},
		"go test is killed the next time": {1, []string{"p/TestA=fail p=fail", "p/TestA=pass"}, map[int]error{1: errors.New("signal: killed")}, []string{"-run=^(TestA)$ p"}, "p/TestA=fail p=fail", 1, "the test TestA fails"},
		"names that are none of Go's":     {1, []string{"p/Test|.*=fail p/-x=fail p=fail -toolexec=fail"}, nil, nil, "-toolexec=fail p/Test|.*=fail p/-x=fail p=fail", 0, "2 tests fail, Test|.* first, and the tests of -toolexec fail"},
		"many": {
			1, []string{"p/T" + long + "=fail p/U" + long + "=fail p=fail", "p/T" + long + "=pass p=pass", "p/U" + long + "=fail p=fail"}, nil,
			[]string{"-run=^(T" + long + ")$ p", "-run=^(U" + long + ")$ p"}, "p/T" + long + "=flaky p/U" + long + "=fail p=fail", 1, "the test U" + long + " fails",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{turns: c.turns, ends: c.ends}
			found, err := command().Test(engine.Tests{Packages: []string{"./..."}, Tags: []string{"tide"}, Rerun: c.times}, s.runner(), &log{})
			require.Equal(t, c.want, told(found))
			require.Equal(t, c.reruns, found.Reruns)
			const same = "test -json -vet=off -mod=readonly -buildvcs=false -tags=tide "
			want := []string{same + "./..."}
			for _, run := range c.runs {
				want = append(want, same+"-count=1 "+run)
			}
			require.Equal(t, want, s.calls)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, fault.Tests, f.Kind)
			require.Equal(t, c.err, f.What)
		})
	}
}

// A flaky test says why it failed, and nobody hears of its package a second time.
func TestRerun_KeepsTheFirstFailure(t *testing.T) {
	t.Parallel()
	s := &script{turns: []string{"p/TestHigh=fail p=fail", "p/TestHigh=fail p=fail", "p/TestHigh=pass p=pass"}}
	heard := 0
	asked := engine.Tests{Rerun: 10, Event: func(finding.TestPackage) { heard++ }}
	found, err := command().Test(asked, s.runner(), &log{})
	require.NoError(t, err)
	require.Equal(t, []string{"    p_test.go:1: no water"}, found.Flaky()[0].Output)
	require.Equal(t, 1, heard)
	require.Len(t, s.calls, 3, "it ends as soon as nothing fails")
}

func TestRerun_RunsAsTheFirstTime(t *testing.T) {
	t.Parallel()
	s := &script{turns: []string{"p/TestHigh=fail p=fail"}}
	by := s.runner()
	by.Compiler, by.Probe = []string{"CC=/usr/bin/cc"}, "/probe.go"
	found, err := command().Test(engine.Tests{Packages: []string{"./..."}, Race: true, Rerun: 1}, by, &log{})
	require.Error(t, err)
	require.True(t, found.Race)
	const same = "CC=/usr/bin/cc CGO_ENABLED=1 test -json -vet=off -race -mod=readonly -buildvcs=false "
	require.Equal(t, []string{same + "./...", same + "-count=1 -run=^(TestHigh)$ p"}, s.calls)
}

// go vet fails by itself, whatever becomes of the tests.
func TestRerun_DoesNotHideVet(t *testing.T) {
	t.Parallel()
	s := &script{turns: []string{"p/TestHigh=fail p=fail", "p/TestHigh=pass p=pass"}}
	by := s.runner()
	run := by.Run
	by.Run = func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		if args[0] == "vet" {
			return gocmd.Output{Stderr: []byte("p.go:1:1: tide\n"), Err: errExit}, nil
		}
		return run(env, args, stdout)
	}
	found, err := command().Test(engine.Tests{Rerun: 1}, by, &log{})
	require.EqualError(t, err, "go vet fails: correct p.go:1:1")
	require.Len(t, found.Flaky(), 1)
}

// An engine that breaks down in a rerun breaks down.
func TestRerun_EndsWithTheEngine(t *testing.T) {
	t.Parallel()
	s := &script{turns: []string{"p/TestHigh=fail p=fail"}}
	by := s.runner()
	run := by.Run
	gone := errors.New("the engine went away")
	by.Run = func(env, args []string, stdout io.Writer) (gocmd.Output, error) {
		if len(s.calls) > 0 {
			return gocmd.Output{}, gone
		}
		return run(env, args, stdout)
	}
	_, err := command().Test(engine.Tests{Rerun: 1}, by, &log{})
	require.ErrorIs(t, err, gone)
}

// What reruns add is bounded: one that says too much says nothing.
func TestRerun_IsBounded(t *testing.T) {
	t.Parallel()
	turns := []string{"p/TestHigh=fail p=fail"}
	for i := range 3 {
		var b strings.Builder
		b.WriteString("p/TestHigh=fail ")
		for j := range 5_000 {
			fmt.Fprintf(&b, "p/TestHigh/%d-%d-%s=fail ", i, j, strings.Repeat("y", 700))
		}
		turns = append(turns, b.String()+"p=fail")
	}
	s := &script{turns: turns}
	found, err := command().Test(engine.Tests{Rerun: 3}, s.runner(), &log{})
	require.Error(t, err)
	require.Equal(t, 3, found.Reruns)
	require.Len(t, found.Packages[0].Tests, 10_001)
	text, err := json.Marshal(found)
	require.NoError(t, err)
	require.Less(t, len(text), 16<<20)
}

// A test can print the line that follows all tests. It counts where it is the last one.
func TestRerun_KnowsTheEndOfAllTests(t *testing.T) {
	t.Parallel()
	output := func(test, line string) string {
		return fmt.Sprintf("{\"Action\":\"output\",\"Package\":\"p\",\"Test\":%q,\"Output\":%q}\n", test, line+"\n")
	}
	run, end := `{"Action":"run","Package":"p","Test":"TestHigh"}`+"\n", output("", "FAIL\tp\t0.1s")+`{"Action":"fail","Package":"p"}`+"\n"
	for said, whole := range map[string]bool{
		output("", "FAIL"): false,
		"":                 true,
		output("", "FAIL") + output("", "panic: tide"):              true,
		output("", "FAIL") + output("TestHigh", "--- FAIL: x"):      true,
		output("", "panic: tide") + output("", "FAIL"):              false,
		output("", "FAIL") + output("", "PASS"):                     true,
		output("TestHigh", "FAIL") + output("TestHigh", "no water"): true,
	} {
		var calls []string
		_, err := command().Test(engine.Tests{Rerun: 1}, answers{"test": {Stdout: []byte(run + said + end), Err: errExit}}.runner(&calls), &log{})
		require.Error(t, err)
		require.Equal(t, whole, !strings.Contains(calls[2], "-run="), "%s", said)
	}
}
