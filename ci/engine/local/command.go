package local

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"time"
)

// command prepares a program that dies with ctx, together with what it started.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// lines returns the non-empty lines of a tool's output, without the credentials in
// their addresses: what is passed on comes through here.
func lines(out []byte) []string {
	var list []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			list = append(list, redact(line))
		}
	}
	return list
}

// bounded keeps the first lines written to it, at most max bytes, and drops the rest.
type bounded struct {
	text []byte
	max  int
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - len(b.text)
	b.text = append(b.text, p[:min(room, len(p))]...)
	if room < len(p) {
		// Half a line could be half an address, in which redact sees no password.
		b.text = b.text[:bytes.LastIndexByte(b.text, '\n')+1]
		b.max = len(b.text)
	}
	return len(p), nil
}
