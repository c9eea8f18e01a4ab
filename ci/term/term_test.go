package term_test

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
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/term"
)

var update = flag.Bool("update", false, "write the golden files")

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixed returns a measure of the terminal that does not change.
func fixed(n int) func() int { return func() int { return n } }

// never is a ticker that does not tick: tests draw with Tick.
func never() <-chan time.Time { return make(chan time.Time) }

// run plays a run with parallel steps, a note, a tool's lines and a failure.
func run(o term.Options) {
	c := newClock()
	o.Now, o.Ticks = c.Now, never()
	t := term.New(o)
	t.Note("builder and base are Slipway's own pins")
	modules := t.Start("download modules")
	c.Add(300 * time.Millisecond)
	t.Tick()
	modules.Cached("42 modules")
	amd64, arm64 := t.Start("build linux/amd64"), t.Start("build linux/arm64")
	c.Add(1234 * time.Millisecond)
	t.Tick()
	amd64.Log("example.com/service")
	amd64.Done(step.Size(6_123_456))
	t.Note("builder and base are Slipway's own pins")
	t.Note("the source has uncommitted changes")
	c.Add(4 * time.Second)
	t.Tick()
	c.Add(6 * time.Second)
	t.Tick()
	smoke := t.Start("smoke test of a service with a rather long name, on every platform")
	c.Add(100 * time.Millisecond)
	t.Tick()
	smoke.Done("answered with 200 on /healthz and on /version")
	arm64.Log("# example.com/service\n./main.go:3:2: undefined: x")
	arm64.Fail(errors.New("exit status 1"))
	open := t.Start("assemble image")
	c.Add(time.Second)
	t.Close()
	open.Done("too late")
	t.Error(fault.New(fault.Source, "building ./cmd/server for linux/arm64: the source does not compile").
		WithDetail("# example.com/service", "./main.go:3:2: undefined: x").WithFix("correct main.go"))
}

func TestTerminal_Transcripts(t *testing.T) {
	t.Parallel()
	tests := map[string]term.Options{
		"plain":         {},
		"plain-verbose": {Verbose: true},
		"quiet":         {Quiet: true},
		"tty-color":     {TTY: true, Color: true, Unicode: true, Width: fixed(80)},
		"tty-ascii":     {TTY: true, Verbose: true, Width: fixed(40)},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o.Out = &out
			run(o)
			got := strings.NewReplacer("\x1b", "<ESC>", "\r", "<CR>").Replace(out.String())
			path := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			require.Equal(t, o.TTY, strings.Contains(got, "<ESC>"))
		})
	}
}

func TestTerminal_LeavesPrintedLinesAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{1, 5, 40, 80, 200} {
		s := newScreen(columns)
		run(term.Options{Out: s, TTY: true, Color: true, Unicode: true, Width: fixed(columns)})
		require.Empty(t, s.unknown)
		require.Zero(t, s.column)
		require.True(t, s.wrap)
		require.NotContains(t, s.String(), "too late")
		if columns == 200 {
			require.Equal(t, `note: builder and base are Slipway's own pins
• download modules       0.3s  cached  42 modules
✓ build linux/amd64      1.2s  6.1 MB
note: the source has uncommitted changes
✓ smoke test of a service with a rather long name, on every platform   0.1s  answered with 200 on /healthz and on /version
✗ build linux/arm64       11s  failed
- assemble image         1.0s  stopped
error: building ./cmd/server for linux/arm64: the source does not compile
  # example.com/service
  ./main.go:3:2: undefined: x
fix: correct main.go
`, s.String())
		}
	}
}

func TestTerminal_StaysTidyWithParallelSteps(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 12
	for _, rows := range []int{3, 24} {
		s, ticks := newScreen(60), make(chan time.Time)
		tt := term.New(term.Options{Out: s, TTY: true, Verbose: true, Width: fixed(60), Height: fixed(rows), Ticks: ticks})
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range each {
					st := tt.Start(fmt.Sprintf("step %d.%d", w, i))
					st.Log("line")
					ticks <- time.Time{}
					tt.Note("only once")
					st.Done("fine")
					st.Fail(errors.New("a second end"))
				}
			})
		}
		wg.Wait()
		tt.Close()
		tt.Close()
		got := strings.Split(s.String(), "\n")
		require.Len(t, got, 2*workers*each+2) // a line and an end of each, the note, the empty line
		require.Equal(t, workers*each, strings.Count(s.String(), "fine"))
		require.Equal(t, 1, strings.Count(s.String(), "only once"))
		require.Empty(t, s.unknown)
	}
}

func TestTerminal_CountsTheStepsThatDoNotFit(t *testing.T) {
	t.Parallel()
	s := newScreen(60)
	tt := term.New(term.Options{Out: s, TTY: true, Width: fixed(60), Height: fixed(5), Ticks: never()})
	for i := range 7 {
		tt.Start(fmt.Sprint("step ", i))
	}
	require.Equal(t, []string{"| step 0                 0.0s", "| step 1                 0.0s", "  and 5 more", ""}, strings.Split(s.String(), "\n"))
	tt.Close()
}

// Of a hundred programs three are built: those have lines, and most that are cached are
// one line.
func TestTerminal_FoldsCachedStepsOfOneKind(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	o := term.Options{Out: &out, Now: newClock().Now, Ticks: never()}
	all := term.New(o)
	all.Start("toolchain").Cached("go1.26.9")
	for i := range 100 {
		s := all.Start(fmt.Sprintf("build ship%02d", i))
		if i%40 == 7 {
			s.Done("6 MB")
			continue
		}
		s.Cached("6 MB")
	}
	all.Start("image").Done("50 images")
	all.Close()
	require.Equal(t, `toolchain  cached  0.0s  go1.26.9
build ship00  cached  0.0s  6 MB
build ship01  cached  0.0s  6 MB
build ship02  cached  0.0s  6 MB
build ship03  cached  0.0s  6 MB
build ship04  cached  0.0s  6 MB
build ship07  done  0.0s  6 MB
build ship47  done  0.0s  6 MB
build ship87  done  0.0s  6 MB
build  cached  0.0s  92 more
image  done  0.0s  50 images
`, out.String())
}

func TestTerminal_ClearsLinesThatANarrowerWindowBroke(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	width := 80
	c := newClock()
	tt := term.New(term.Options{Out: &out, TTY: true, Width: func() int { return width }, Now: c.Now, Ticks: never()})
	tt.Start("build")
	out.Reset()
	width = 10
	c.Add(time.Second)
	tt.Tick()
	require.True(t, strings.HasPrefix(out.String(), "\r\x1b[3A\x1b[J"), "%q", out.String()) // 29 columns
	tt.Close()
}

func TestTerminal_DoesNotWriteWhatHasNotChanged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tt := term.New(term.Options{Out: &out, TTY: true, Now: newClock().Now, Ticks: never()})
	tt.Tick()
	require.Empty(t, out.String())
	tt.Start("build")
	size := out.Len()
	tt.Tick()
	require.Equal(t, size, out.Len())
	tt.Close()
}

func TestTerminal_NeverPassesOnWhatCommandsATerminal(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2Jb\x1b]0;title\x07c\u009b31md\x9b31me\x1b\x1b[0m[31mf\rg\u202eh\u200bi\x00\tj\nk"
	for _, tty := range []bool{true, false} {
		s := newScreen(200)
		tt := term.New(term.Options{Out: s, TTY: tty, Verbose: true, Width: fixed(200), Ticks: never()})
		st := tt.Start(evil)
		st.Log(evil)
		st.Done(evil)
		tt.Note(evil)
		tt.Error(errors.New(evil))
		tt.Error(fault.New(fault.Usage, "%s", evil).WithDetail(evil).WithFix("%s", evil))
		tt.Close()
		require.Empty(t, s.unknown)
		for _, bad := range []string{"\x1b[2J", "\x1b]", "\u009b", "\x9b", "[0m", "\u202e", "\u200b", "\x00", "\t", "title"} {
			require.NotContains(t, s.raw.String(), bad)
		}
		require.Contains(t, s.String(), "abc31md31me[31mfghi    j k")
	}
}

func TestTerminal_NeverPassesOnWhatCommandsACISystem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tt := term.New(term.Options{Out: &out, Ticks: never()})
	tt.Start("::add-mask::a").Done("###[error]x")
	tt.Error(fault.New(fault.Tests, "testing").WithFix("read").
		WithDetail("  ::set-output name=digest::evil", ":\x00:stop-commands::x", "##vso[task.setvariable]x", "## heading"))
	tt.Close()
	require.Equal(t, `: :add-mask::a  done  0.0s  ## #[error]x
error: testing
    : :set-output name=digest::evil
  : :stop-commands::x
  # #vso[task.setvariable]x
  ## heading
fix: read
`, out.String())
}

func TestTerminal_Error(t *testing.T) {
	t.Parallel()
	usage := fault.New(fault.Usage, "reading go.mod: no such file").WithFix("run slipway in a Go module")
	report := "fix: this is a bug of Slipway, please report it with this output and that of slipway version\n"
	var many []string
	for i := range 23 {
		many = append(many, fmt.Sprint("line ", i))
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"fault", usage, "error: reading go.mod: no such file\nfix: run slipway in a Go module\n"},
		{"without fix", fault.New(fault.Gate, "too large"), "error: too large\n"},
		{"wrapped", fmt.Errorf("planning: %w", usage), "error: planning: reading go.mod: no such file\nfix: run slipway in a Go module\n"},
		{"another error", errors.New("index out of range"), "error: index out of range\n" + report},
		{"fault that is a bug", fault.New(fault.Bug, "no plan"), "error: no plan\n" + report},
		{"several lines", errors.New("one\ntwo\n"), "error: one\n  two\n" + report},
		{"joined", errors.Join(usage, fault.New(fault.Gate, "too large")), "error: reading go.mod: no such file\nfix: run slipway in a Go module\nerror: too large\n"},
		{"several causes in a sentence", fmt.Errorf("%w after %w", fault.New(fault.Gate, "a"), fault.New(fault.Gate, "b")), "error: a after b\n"},
		{"empty", errors.New(""), "error: \n" + report},
		{"long detail", fault.New(fault.Tests, "testing").WithDetail(many...), "error: testing\n  " + strings.Join(many[:20], "\n  ") + "\n  and 3 more lines\n"},
		{"long line", fault.New(fault.Tests, "%s", strings.Repeat("x", 1<<20)), "error: " + strings.Repeat("x", 4096) + "...\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			d := term.New(term.Options{Out: &out, Quiet: true})
			d.Close()
			d.Error(tt.err)
			require.Equal(t, tt.want, out.String())
		})
	}
}

func TestTerminal_FoldsSentencesBetweenWords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tt := term.New(term.Options{Out: &out, TTY: true, Width: fixed(30), Ticks: never()})
	tt.Note("the source has uncommitted changes, see git status")
	tt.Error(fault.New(fault.Usage, "reading a/very/long/path/that/is/longer/than/this/line: no such file").
		WithFix("run slipway plan --main ./cmd/server --verbose"))
	tt.Close()
	require.Equal(t, `note: the source has
  uncommitted changes, see
  git status
error: reading
  a/very/long/path/that/is/longer/than/this/line:
  no such file
fix: run slipway plan --main ./cmd/server --verbose
`, out.String())
}

func TestTerminal_KeepsWideStepsInOneRow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tt := term.New(term.Options{Out: &out, TTY: true, Unicode: true, Width: fixed(40), Ticks: never()})
	st := tt.Start(strings.Repeat("\u65e5", 40))
	out.Reset()
	st.Done("")
	tt.Close()
	row := out.String()[strings.Index(out.String(), "\x1b[?7l"):]
	require.Equal(t, "\x1b[?7l\u2713 "+strings.Repeat("\u65e5", 19)+"\u2026   0.0s\n\x1b[?7h", row)
}

func TestDetect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		env   string
		isTTY bool
		want  string
	}{
		{"terminal", "TERM=xterm-256color LANG=en_US.UTF-8", true, "tty color unicode"},
		{"no colour", "TERM=xterm NO_COLOR=1 LANG=C.utf8", true, "tty unicode"},
		{"empty NO_COLOR", "TERM=xterm NO_COLOR=", true, "tty color"},
		{"dumb", "TERM=dumb LANG=C", true, ""},
		{"no TERM", "", true, ""},
		{"pipe", "TERM=xterm LANG=en_US.UTF-8", false, "unicode"},
		{"LC_ALL wins", "TERM=xterm LC_ALL=C LC_CTYPE=C.UTF-8 LANG=C.UTF-8", true, "tty color"},
		{"LC_CTYPE before LANG", "TERM=xterm LC_CTYPE=C.UTF-8 LANG=C", true, "tty color unicode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for pair := range strings.FieldsSeq(tt.env) {
				k, v, _ := strings.Cut(pair, "=")
				env[k] = v
			}
			o := term.Detect(func(k string) string { return env[k] }, tt.isTTY)
			var got []string
			for name, on := range map[string]bool{"tty": o.TTY, "color": o.Color, "unicode": o.Unicode} {
				if on {
					got = append(got, name)
				}
			}
			require.ElementsMatch(t, strings.Fields(tt.want), got)
		})
	}
}

func TestWindow_IsNoTerminalForABufferOrAFile(t *testing.T) {
	t.Parallel()
	isTTY, width, height := term.Window(&bytes.Buffer{})
	require.False(t, isTTY)
	require.Nil(t, width)
	require.Nil(t, height)
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close()
	isTTY, _, _ = term.Window(f)
	require.False(t, isTTY)
}
