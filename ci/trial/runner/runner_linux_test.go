package runner_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/trial/runner"
)

var folder string

var program = sync.OnceValues(func() (string, error) {
	name := filepath.Join(folder, "subject")
	cmd := exec.Command("go", "build", "-o", name, "./testdata/subject")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return name, cmd.Run()
})

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "slipway-trial-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	// The program runs as a user who may not see what is root's.
	if err := os.Chmod(folder, 0o755); err != nil {
		panic(err)
	}
	return m.Run()
}

// trial is one of the subject that behaves so.
func trial(t *testing.T, how string) runner.Trial {
	t.Helper()
	name, err := program()
	require.NoError(t, err)
	// As in Run: a subject that is started now would hold the port until its exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	return runner.Trial{
		Argv: []string{name, how, strconv.Itoa(port)}, Env: []string{"A=b"}, Dir: "/", UID: 65532, GID: 65532, Port: port, Health: "/healthz",
		Signal: runner.Signal{Name: "SIGTERM", Number: 15}, Wait: 20 * time.Second, Stop: 10 * time.Second, Up: 700 * time.Millisecond, Memory: 256 << 20,
	}
}

// The end-to-end tests try the same in containers.
func TestRun_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	for how, c := range map[string]struct{ fault, line string }{
		"behaves":             {},
		"has no handler":      {},
		"exits":               {"the program ended with exit code 1 before it could answer GET /healthz", "no configuration"},
		"panics":              {"the program ended with exit code 2 before it could answer GET /healthz", "panic: no water"},
		"panics later":        {"the program ended with exit code 2 by itself within 1m0s of its start", "panic: no more water"},
		"does not listen":     {"the program does not take connections on port PORT within 1s", ""},
		"is unhealthy":        {"the program does not answer GET /healthz with a status of 200 to 299 within 3s: status 500", "listening"},
		"redirects":           {"the program does not answer GET /healthz with a status of 200 to 299 within 3s: status 302", ""},
		"writes":              {"the program ended with exit code 1 before it could answer GET /healthz", "open /tmp/state: permission denied"},
		"ignores the signal":  {"the program does not stop within 1s of SIGTERM", ""},
		"ends with 3":         {"the program ended with exit code 3 after SIGTERM", "not stored"},
		"takes memory":        {"the program took more than 256 MB of memory before it could answer GET /healthz", ""},
		"listens on loopback": {"the program does not take connections on port PORT within 3s", "listening on 127.0.0.1"},
		"needs a capability":  {"the program ended with exit code 1 before it could answer GET /healthz", "operation not permitted"},
		"needs root":          {"the program ended with exit code 1 before it could answer GET /healthz", "operation not permitted"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			want := trial(t, how)
			// Only who is to be found out waits briefly, and not too briefly for what it is to say.
			switch {
			case strings.Contains(c.fault, "does not stop within 1s"):
				want.Stop = time.Second
			case strings.Contains(c.fault, "within 1s"):
				want.Wait = time.Second
			case strings.Contains(c.fault, "within 3s"):
				want.Wait = 3 * time.Second
			case strings.Contains(c.fault, "within 1m0s"):
				want.Up = time.Minute
			}
			report := runner.Run(t.Context(), want)
			require.Equal(t, strings.ReplaceAll(c.fault, "PORT", strconv.Itoa(want.Port)), report.Fault)
			require.False(t, report.Unjudged)
			require.Equal(t, c.fault == "", report.Fix == "")
			if c.line != "" {
				require.Contains(t, strings.Join(report.Lines, "\n"), c.line)
			}
			if c.fault == "" {
				require.NotZero(t, report.Ready)
				require.NotZero(t, report.Stopped)
			}
		})
	}
}

func TestRun_TakesAProgramWithoutAPortAsItComes(t *testing.T) {
	t.Parallel()
	for how, fault := range map[string]string{
		"job": "", "behaves": "",
		"exits":  "the program ended with exit code 1 by itself within 1m0s of its start",
		"panics": "the program ended with exit code 2 by itself within 1m0s of its start",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			want := trial(t, how)
			want.Port, want.Health = 0, ""
			if how != "behaves" { // the others end by themselves, however long they take
				want.Up = time.Minute
			}
			require.Equal(t, fault, runner.Run(t.Context(), want).Fault)
		})
	}
}

func TestRun_GivesTheProgramNothingElse(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("another user than root keeps its own")
	}
	report := runner.Run(t.Context(), trial(t, "says who it is"))
	require.Equal(t, []string{
		"CapInh: 0000000000000000", "CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "CapAmb: 0000000000000000",
		"NoNewPrivs: 1", "65532 65532 [A=b]/",
	}, report.Lines, report.Fault)
	want := trial(t, "says who it is")
	want.Capabilities = 1 << 10
	require.Subset(t, runner.Run(t.Context(), want).Lines, []string{"CapEff: 0000000000000400", "CapBnd: 0000000000000400"})
}

func TestRun_DoesNotBlameTheProgramForThisMachine(t *testing.T) {
	t.Parallel()
	want := trial(t, "behaves")
	l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(want.Port)))
	require.NoError(t, err)
	defer l.Close()
	report := runner.Run(t.Context(), want)
	require.True(t, report.Unjudged)
	require.Equal(t, "port "+strconv.Itoa(want.Port)+" is in use on this machine", report.Fault)
}

func TestRun_SaysThatTheSystemDoesNotStartIt(t *testing.T) {
	t.Parallel()
	want := trial(t, "behaves")
	want.Argv[0] = "/nowhere/server"
	report := runner.Run(t.Context(), want)
	require.True(t, report.Unstarted)
	require.Equal(t, "the program /nowhere/server cannot be started: no such file or directory", report.Fault)
}

func TestRun_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	want := trial(t, "does not listen")
	want.Wait = time.Minute
	require.True(t, runner.Run(ctx, want).Unjudged)
	require.Less(t, time.Since(start), want.Wait)
	out, err := exec.Command("pgrep", "--full", strings.Join(want.Argv, " ")).Output()
	require.Error(t, err, "still there: %s", out)
}
