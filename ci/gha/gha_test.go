package gha_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

var update = flag.Bool("update", false, "write the golden files again")

const token = "TOKENTOKENTOKENTOKENTOKEN2"

// job is a Job with a clock that moves by hand, and what it wrote.
type job struct {
	*gha.Job
	out  bytes.Buffer
	mu   sync.Mutex
	at   time.Time
	late []func()
	env  map[string]string
}

func (j *job) now() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.at
}

func (j *job) pass(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = j.at.Add(d)
}

// begin returns a job whose files are in a folder of the test's.
func begin(t testing.TB) *job {
	t.Helper()
	dir := t.TempDir()
	j := &job{at: time.Date(2026, 11, 23, 6, 12, 0, 0, time.UTC), env: map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
	}}
	for _, name := range []string{"summary", "output"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	j.Job = gha.NewWith(func(k string) string { return j.env[k] }, &j.out, gha.Means{
		Token: token, Now: j.now,
		After: func(_ time.Duration, f func()) func() bool {
			j.late = append(j.late, f)
			return func() bool { return true }
		},
	})
	return j
}

// wrote takes what was written since the last time, without what stops commands.
func (j *job) wrote() string {
	text := strings.TrimPrefix(j.out.String(), "::stop-commands::"+token+"\n")
	j.out.Reset()
	return text
}

func (j *job) file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(j.env[name])
	require.NoError(t, err)
	return string(text)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test ./ci/gha -update writes it")
	require.Equal(t, string(want), got)
}

func TestNew_IsNothingElsewhere(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for _, value := range []string{"", "false", "1"} {
		j := gha.New(func(string) string { return value }, &out)
		require.Nil(t, j)
		j.Mask("secret")
		j.Error(errors.New("tide"))
		s := j.Reporter().Start("build")
		s.Log("line")
		s.Done("")
		require.NoError(t, j.Finish(&receipt.Receipt{}, gha.Finish{Markdown: []byte("x")}))
		j.Close()
	}
	require.Empty(t, out.String())
}

func TestNew_StopsCommandsWithAnotherTokenEachTime(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 3 {
		var out bytes.Buffer
		j := gha.New(func(string) string { return "true" }, &out)
		line := out.String()
		require.Regexp(t, `^::stop-commands::[A-Z2-7]{26}\n$`, line)
		require.False(t, seen[line])
		seen[line] = true
		j.Close()
		j.Close()
		require.Equal(t, line+"::"+strings.TrimPrefix(strings.TrimSpace(line), "::stop-commands::")+"::\n", out.String())
	}
}

func TestMask_HidesEachLine(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	j.Mask("tide-secret", "", "abc", "  \n", "one-line%\r\nanother\n}\n", "tide-secret")
	require.Equal(t, "::"+token+"::\n::add-mask::tide-secret\n::add-mask::one-line%25\n::add-mask::another\n::stop-commands::"+token+"\n", j.wrote())
	j.Mask("abc")
	require.Empty(t, j.wrote())
	j.Reporter().Note("the token is tide-secret or an\x00other")
	require.Equal(t, "note: the token is *** or ***\n", j.wrote())
}

func TestReporter_AStepIsALineOrAGroup(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	r := j.Reporter()
	plan := r.Start("plan")
	j.pass(400 * time.Millisecond)
	plan.Done("1 image")
	require.Equal(t, "plan  done  0.4s  1 image\n", j.wrote())
	build := r.Start("build linux/amd64")
	build.Log("go: downloading golang.org/x/net v0.41.0\n")
	build.Log("two\nlines")
	build.Ran(step.Command{Args: []string{"go"}})
	require.Empty(t, j.wrote())
	j.pass(12 * time.Second)
	build.Cached("3.2 MB")
	build.Done("again")
	build.Log("late")
	require.Equal(t, "##[group]build linux/amd64  cached  12s  3.2 MB\ngo: downloading golang.org/x/net v0.41.0\ntwo\nlines\n##[endgroup]\n", j.wrote())
	test := r.Start("test")
	test.Log("--- FAIL: TestTide")
	test.Fail(errors.New("1 test fails"))
	require.Equal(t, "test  failed  0.0s\n  --- FAIL: TestTide\n", j.wrote())
	r.Note("one\ntwo")
	r.Note("one\ntwo")
	require.Equal(t, "note: one\n  two\n", j.wrote())
}

func TestReporter_KeepsTheLastLines(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	many := func(end func(step.Step)) []string {
		s := j.Reporter().Start("test")
		for i := range 1100 {
			s.Log(fmt.Sprint("line ", i))
		}
		end(s)
		return strings.Split(strings.TrimSpace(j.wrote()), "\n")
	}
	lines := many(func(s step.Step) { s.Done("") })
	require.Len(t, lines, 1003)
	require.Equal(t, []string{"##[group]test  done  0.0s", "100 lines before are left out", "line 100"}, lines[:3])
	lines = many(func(s step.Step) { s.Fail(errors.New("x")) })
	require.Equal(t, []string{"test  failed  0.0s", "##[group]test: what came before the last lines", "100 lines before are left out", "line 100"}, lines[:4])
	require.Equal(t, []string{"line 1049", "##[endgroup]", "  line 1050"}, lines[len(lines)-52:len(lines)-49])
	require.Equal(t, "  line 1099", lines[len(lines)-1])
}

func TestReporter_TellsOfSlowAndOpenSteps(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	s := j.Reporter().Start("scan")
	s.Log("updating the database")
	j.late[0]()
	require.Equal(t, "scan  running\n", j.wrote())
	j.pass(6 * time.Second)
	j.Close()
	require.Equal(t, "scan  stopped  6.0s\n  updating the database\n::"+token+"::\n", j.wrote())
	j.late[0]()
	s.Done("")
	j.Reporter().Start("late").Done("")
	require.Empty(t, j.wrote())
}

// writes remembers each write by itself.
type writes struct{ all []string }

func (w *writes) Write(p []byte) (int, error) { w.all = append(w.all, string(p)); return len(p), nil }

func TestReporter_StepsSideBySideNeverMix(t *testing.T) {
	t.Parallel()
	var w writes
	j := gha.New(func(string) string { return "true" }, &w)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s := j.Reporter().Start(fmt.Sprint("step ", i))
			for range 10 {
				s.Log(fmt.Sprint("of ", i))
			}
			j.Mask(fmt.Sprint("secret-", i))
			s.Done("")
		})
	}
	wg.Wait()
	j.Close()
	require.Len(t, w.all, 42)
	groups := 0
	for _, one := range w.all {
		if strings.HasPrefix(one, "##[group]") {
			groups++
			var i int
			_, err := fmt.Sscanf(one, "##[group]step %d", &i)
			require.NoError(t, err)
			require.Regexp(t, fmt.Sprintf(`^##\[group\]step %d  done  \S+\n(of %d\n){10}##\[endgroup\]\n$`, i, i), one)
		} else {
			require.Regexp(t, `^::.*::.*\n`, one)
		}
	}
	require.Equal(t, 20, groups)
}

func TestError_SaysWhatFixAndDetail(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	var many []string
	for i := range 25 {
		many = append(many, fmt.Sprint("line ", i))
	}
	j.Error(nil)
	require.Empty(t, j.wrote())
	j.Error(fmt.Errorf("checking: %w", fault.New(fault.Tests, "the test TestTide fails").WithFix("correct tide_test.go:31").WithDetail("::error::x\n##[group]y")))
	require.Equal(t, "error: checking: the test TestTide fails\n  : :error::x\n  # #[group]y\nfix: correct tide_test.go:31\n", j.wrote())
	j.Error(errors.Join(fault.New(fault.Gate, "too\nlarge").WithDetail(many...), fault.New(fault.Registry, "refused")))
	require.Equal(t, "error: too\n  large\n  "+strings.Join(many[:20], "\n  ")+"\n  and 5 more lines\nerror: refused\n", j.wrote())
}
