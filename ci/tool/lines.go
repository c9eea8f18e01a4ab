package tool

import (
	"bytes"
	"strings"
)

// maxLine bounds one line of a program's output and maxLines how many of the last are
// kept, so that no program decides how much memory its output takes.
const (
	maxLine  = 4 << 10
	maxLines = 20
)

// lines passes on each line and keeps the last ones.
type lines struct {
	log  func(string)
	open []byte
	last []string
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, whole := bytes.Cut(p, []byte{'\n'})
		l.open = append(l.open, line[:min(len(line), maxLine-len(l.open))]...)
		if !whole {
			return n, nil
		}
		l.flush()
		p = rest
	}
}

// flush ends the line that is open.
func (l *lines) flush() {
	line := strings.TrimRight(string(l.open), " \r")
	l.open = l.open[:0]
	if line == "" {
		return
	}
	l.log(line)
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-maxLines):]
}
