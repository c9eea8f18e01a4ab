package checkout

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/process"
)

const (
	// limit bounds one git command. A fetch of a large repository takes minutes.
	limit = 20 * time.Minute
	// maxLine and maxComplaints bound what a command prints and complains of, in bytes.
	maxLine, maxComplaints = 64 << 10, 64 << 10
)

// git runs commands in one folder.
type git struct {
	program, dir string
	env          []string
}

// options turn off what git could start on its own account.
func options() []string {
	return []string{
		"--no-pager", "--no-optional-locks", "--no-replace-objects",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.alternateRefsCommand=",
		"-c", "core.untrackedCache=false", "-c", "gc.auto=0", "-c", "safe.bareRepository=explicit",
	}
}

// environment is the user's without what would lead git to another repository. How a
// user reaches their own servers stays.
func environment(env []string) []string {
	keep := []string{
		"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
		"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_PROXY_SSL_CAINFO",
	}
	kept := slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(strings.ToUpper(name), "GIT_") && !slices.Contains(keep, name)
	})
	return append(kept,
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0",
		// It counts after the rewriting of URLs, and over any protocol.allow.
		"GIT_ALLOW_PROTOCOL=https:ssh",
		"LC_ALL=C", "LANGUAGE=C",
	)
}

// failure is a git command that failed, with its own lines.
type failure struct {
	what  string
	lines []string
	err   error
}

func (f *failure) Error() string { return f.what }
func (f *failure) Unwrap() error { return f.err }

// line runs a command that prints one line.
func (g *git) line(ctx context.Context, args ...string) (string, error) {
	out, err := g.run(ctx, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

// run runs a command that prints little.
func (g *git) run(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := g.stream(ctx, nil, func(r io.Reader) error {
		_, err := io.Copy(&out, io.LimitReader(r, maxLine))
		return err
	}, args...)
	return out.Bytes(), err
}

// stream runs a command while its output is read.
func (g *git) stream(ctx context.Context, in io.Reader, read func(io.Reader) error, args ...string) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := process.Command(limited, g.program, slices.Concat(options(), args)...)
	cmd.Dir, cmd.Env, cmd.Stdin = g.dir, g.env, in
	complaints := &tail{}
	cmd.Stderr = complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting git: %w", err)
	}
	readErr := read(out)
	if readErr != nil {
		cancel()
	}
	_, _ = io.Copy(io.Discard, out)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case readErr != nil:
		return readErr
	case err != nil:
		return g.explain(verb(args), complaints.lines(), err)
	}
	return nil
}

// verb is the git command among its options.
func verb(args []string) string {
	for len(args) > 2 && args[0] == "-c" {
		args = args[2:]
	}
	return args[0]
}

func (g *git) explain(verb string, lines []string, err error) error {
	said := strings.Join(lines, "\n")
	if strings.Contains(said, "dubious ownership") || strings.Contains(said, "unsafe repository") {
		return fault.New(fault.Usage, "git refuses to read the repository %s, because it belongs to another user", g.dir).
			WithFix("trust it: git config --global --add safe.directory %q", g.dir).WithDetail(lines...).WithCause(err)
	}
	why := err.Error()
	if _, ended := err.(*exec.ExitError); ended && len(lines) > 0 { //nolint:errorlint // it is os/exec's own
		why = strings.TrimPrefix(lines[0], "fatal: ")
	}
	return &failure{what: fmt.Sprintf("running git %s in %s: %s", verb, g.dir, why), lines: lines, err: err}
}

// tail keeps the first of what a program complains of.
type tail struct{ text bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.text.Write(p[:min(len(p), maxComplaints-t.text.Len())])
	return len(p), nil
}

func (t *tail) lines() []string {
	var list []string
	for line := range strings.Lines(t.text.String()) {
		if line = strings.TrimSpace(plain.Line(line)); line != "" && len(list) < 20 {
			list = append(list, line)
		}
	}
	return list
}
