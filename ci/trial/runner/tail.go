package runner

import (
	"strings"
	"sync"
	"unicode"
)

const (
	tailBytes = 16 << 10
	tailLines = 10
	tailWidth = 300
)

// Tail keeps the end of what is written to it.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-tailBytes):]...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// Lines are the last of them that say something, without what would move a terminal's
// cursor.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	text := strings.ToValidUTF8(string(t.text), "?")
	t.mu.Unlock()
	var list []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if r == '\t' {
				return ' '
			}
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, line)
		if strings.TrimSpace(line) == "" {
			continue
		}
		if all := []rune(line); len(all) > tailWidth {
			line = string(all[:tailWidth]) + "..."
		}
		list = append(list, line)
	}
	return list[max(0, len(list)-tailLines):]
}
