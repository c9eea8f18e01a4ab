package actions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCommand_ReadsAsTheRunnerDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line string
		want Command
		none bool
	}{
		"plain":                        {line: "::warning::text", want: Command{"warning", map[string]string{}, "text"}},
		"properties":                   {line: "::error file=a.go,line=3,title=x::y", want: Command{"error", map[string]string{"file": "a.go", "line": "3", "title": "x"}, "y"}},
		"without case":                 {line: "::Error File=a.go::y", want: Command{"error", map[string]string{"file": "a.go"}, "y"}},
		"indented":                     {line: "\t\u00a0 ::debug::x", want: Command{"debug", map[string]string{}, "x"}},
		"empty data":                   {line: "::endgroup::", want: Command{"endgroup", map[string]string{}, ""}},
		"data with colons":             {line: "::error::a::b", want: Command{"error", map[string]string{}, "a::b"}},
		"escapes of data":              {line: "::error::a%0Ab%0D%25%3A", want: Command{"error", map[string]string{}, "a\nb\r%%3A"}},
		"percent is last":              {line: "::error::%250A", want: Command{"error", map[string]string{}, "%0A"}},
		"escapes of properties":        {line: "::error title=a%3Ab%2Cc%0A::x", want: Command{"error", map[string]string{"title": "a:b,c\n"}, "x"}},
		"no value is no property":      {line: "::error file=,line==3,x::y", want: Command{"error", map[string]string{"line": "3"}, "y"}},
		"old":                          {line: "text ##[warning]y", want: Command{"warning", map[string]string{}, "y"}},
		"old, with properties":         {line: "##[error file=a%3Bb;line=1]y%5D", want: Command{"error", map[string]string{"file": "a;b", "line": "1"}, "y]"}},
		"old, since the new is none":   {line: "::nothing::##[error]y", want: Command{"error", map[string]string{}, "y"}},
		"old, the first only":          {line: "##[nothing]##[error]y", none: true},
		"not at the start":             {line: "text ::error::y", none: true},
		"unknown":                      {line: "::nothing::y", none: true},
		"without an end":               {line: "::error y", none: true},
		"three colons":                 {line: ":::error::y", none: true},
		"Azure's":                      {line: "##vso[task.setvariable]y", none: true},
		"escaped colons are no colons": {line: "%3A%3Aerror::y", none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := ParseCommand(c.line, registered)
			require.Equal(t, !c.none, ok)
			require.Equal(t, c.want, got)
		})
	}
}

// say prints lines as a program would and returns what came of them.
func say(text string) (*Step, *mask) {
	m, step := &mask{}, &Step{}
	s := &stream{log: newLog(m, step, step, "/work")}
	// A program's output arrives in pieces.
	for _, b := range []byte(text) {
		_, _ = s.Write([]byte{b})
	}
	s.flush()
	return step, m
}

func TestLog_EndsLinesAtCarriageReturns(t *testing.T) {
	t.Parallel()
	step, _ := say("a\r\nb\rc\n\n::notice::d\rlast")
	require.Equal(t, []string{"a", "b", "c", "", "##[notice]d", "last"}, step.Log)
	require.Len(t, step.Annotations, 1)
}

func TestLog_ReadsNoOrdersBetweenStopAndItsToken(t *testing.T) {
	t.Parallel()
	step, _ := say("::stop-commands::token-of-mine\n::error::a\n##[error]b\n::other::\n::TOKEN-of-mine::\n::error::c\n")
	require.Equal(t, []Annotation{{Level: "error", Message: "c"}}, step.Annotations)
	require.NotContains(t, strings.Join(step.Log, "\n"), "token-of-mine", "who reads the log could end the pause")

	step, _ = say("::stop-commands::pause-logging\n::stop-commands::\n::stop-commands::error\n::notice::still read\n")
	require.Len(t, step.Annotations, 4)
	require.Equal(t, "notice", step.Annotations[3].Level)
}

func TestLog_MasksAllThatFollows(t *testing.T) {
	t.Parallel()
	step, _ := say("hunter2\n::add-mask::hunter2\n::error title=hunter2::hunter2\n::group::of hunter2\nhunter2 aHVudGVyMg==\n::add-mask:: \n")
	require.Equal(t, []string{"hunter2", "##[error]***", "##[group]of ***", "*** ***Mg==", "##[warning]Can't add secret mask for empty string in ##[add-mask] command."}, step.Log)
	require.Equal(t, []string{"of ***"}, step.Groups)
	require.Equal(t, "***", step.Annotations[0].Title)

	step, _ = say("::add-mask::first%0Asecond\nfirst\nsecond\n")
	require.Equal(t, []string{"***", "***"}, step.Log)
}

func TestLog_KeepsTenAnnotationsOfEachLevel(t *testing.T) {
	t.Parallel()
	step, _ := say(strings.Repeat("::error::x\n", 12) + strings.Repeat("::warning::x\n", 10))
	require.Len(t, step.Annotations, 20)
	require.Equal(t, 2, step.Dropped)
	require.Len(t, step.Log, 22)
}

func TestLog_AnnotatesPlaces(t *testing.T) {
	t.Parallel()
	step, _ := say("::error file=/work/a.go,line=1,endLine=2,col=3::a\n::error file=/elsewhere/b.go,endLine=2,endColumn=7::b\n::error file=c.go,col=3::c\n")
	require.Equal(t, []Annotation{
		{Level: "error", Message: "a", File: "a.go", Line: "1", EndLine: "2"},
		{Level: "error", Message: "b", File: "/elsewhere/b.go", Line: "2", EndLine: "2", Column: "7", EndColumn: "7"},
		{Level: "error", Message: "c", File: "c.go"},
	}, step.Annotations)
}

func TestLog_CallsOrdersOfOldViolations(t *testing.T) {
	t.Parallel()
	step, _ := say("::set-output name=a::b\n::save-state name=a::b\n::set-env name=PATH::/tmp\n::add-path::/tmp\n::add-matcher::x.json\n")
	require.Len(t, step.Violations, 5)
	require.Len(t, step.Annotations, 2, "the runner refuses set-env and add-path")
	require.Empty(t, step.Outputs)
}

func FuzzLog(f *testing.F) {
	f.Add("::stop-commands::t\n##[error]\r\n::t::\n::add-mask::a\nabc")
	f.Add("::error file=%2C,,=,a==b::%25%0A")
	f.Fuzz(func(t *testing.T, text string) {
		step, m := say("::add-mask::hunter2\n" + text)
		for _, line := range step.Log {
			require.False(t, m.hides(line) && strings.Contains(line, "hunter2"), "%q", line)
		}
		require.LessOrEqual(t, len(step.Annotations), 3*maxAnnotations)
	})
}
