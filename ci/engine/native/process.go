package native

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// needed says which package has a program, for the sentence of who lacks it.
var needed = map[string]string{
	"go":         "install Go 1.21 or newer",
	"mmdebstrap": "on Debian or Ubuntu: apt-get install mmdebstrap; elsewhere install mmdebstrap, which makes Debian trees",
	"runc":       "on Debian or Ubuntu: apt-get install runc; elsewhere install runc 1.1 or newer",
}

// program finds a program on the user's PATH.
func (h *Host) program(name string) (string, error) {
	if found, ok := process.Find(name, h.getenv("PATH")); ok {
		return found, nil
	}
	return "", fault.New(fault.Engine, "there is no %s on PATH, which a Dagger engine needs here", name).WithFix("%s", needed[name])
}

func (h *Host) getenv(name string) string { return process.Getenv(h.env, name) }

// command prepares a program with an environment of its own.
func command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	cmd := process.Command(ctx, name, args...)
	cmd.Env = env
	return cmd
}

// follow runs a program, passes on its lines to a step, and returns the last of them.
func follow(cmd *exec.Cmd, s step.Step) ([]string, error) {
	out := &lines{log: s.Log}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	out.flush()
	return out.last, err
}

// output runs a program and returns what it prints; a failure carries its last lines.
func output(cmd *exec.Cmd) ([]byte, []string, error) {
	var stdout bytes.Buffer
	out := &lines{log: func(string) {}}
	cmd.Stdout, cmd.Stderr = &stdout, out
	err := cmd.Run()
	out.flush()
	return stdout.Bytes(), out.last, err
}

// maxLines is how much of a tool's output a failure shows.
const maxLines = 20

// lines passes on each line and keeps the last ones.
type lines struct {
	log  func(string)
	open []byte
	last []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.open = append(l.open, p...)
	for {
		line, rest, whole := bytes.Cut(l.open, []byte{'\n'})
		if !whole {
			return len(p), nil
		}
		l.add(string(line))
		l.open = rest
	}
}

func (l *lines) flush() {
	l.add(string(l.open))
	l.open = nil
}

func (l *lines) add(line string) {
	if line = strings.TrimRight(line, " \r"); line == "" {
		return
	}
	l.log(line)
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-maxLines):]
}

// tail returns the last lines of a file.
func tail(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	l := &lines{log: func(string) {}}
	for line := range strings.Lines(string(text)) {
		l.add(strings.TrimRight(line, "\n"))
	}
	return l.last
}
