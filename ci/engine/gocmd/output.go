package gocmd

import (
	"bytes"
	"cmp"
	"strings"
)

// OutputLimit bounds what is kept of a command's own output, in bytes.
const OutputLimit = 256 << 10

// Lines returns the non-empty lines of a tool's output, without the credentials in
// their addresses: what is passed on comes through here.
func Lines(out []byte) []string {
	var list []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			list = append(list, redact(line))
		}
	}
	return list
}

// Bounded keeps the first lines written to it, at most OutputLimit bytes, and drops
// the rest.
type Bounded struct {
	// Max is the bound in bytes where it is not OutputLimit.
	Max  int
	text []byte
	full bool
}

// Bytes are what was kept.
func (b *Bounded) Bytes() []byte { return b.text }

func (b *Bounded) Write(p []byte) (int, error) {
	if b.full {
		return len(p), nil
	}
	room := cmp.Or(b.Max, OutputLimit) - len(b.text)
	b.text = append(b.text, p[:min(room, len(p))]...)
	if room < len(p) {
		// Half a line could be half an address, in which redact sees no password.
		b.text = b.text[:bytes.LastIndexByte(b.text, '\n')+1]
		b.full = true
	}
	return len(p), nil
}
