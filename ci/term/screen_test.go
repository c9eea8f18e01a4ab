package term_test

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// screen is a terminal with endless rows that understands what Terminal writes:
// line feed, carriage return, cursor up, erase below, wrapping, colours.
type screen struct {
	mu      sync.Mutex
	columns int
	rows    []string
	row     int
	column  int
	wrap    bool
	// unknown are the control sequences that it does not understand.
	unknown []string
	// raw is everything that was written.
	raw strings.Builder
}

func newScreen(columns int) *screen { return &screen{columns: columns, rows: []string{""}, wrap: true} }

var token = regexp.MustCompile(`\x1b\[[?0-9;]*[A-Za-z]|(?s:.)`)

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	for _, tok := range token.FindAllString(string(p), -1) {
		s.apply(tok)
	}
	return len(p), nil
}

func (s *screen) apply(tok string) {
	switch {
	case tok == "\n":
		s.down()
	case tok == "\r":
		s.column = 0
	case tok == "\x1b[J":
		s.rows = append(s.rows[:s.row], string([]rune(s.rows[s.row])[:s.column]))
	case tok == "\x1b[?7l", tok == "\x1b[?7h":
		s.wrap = strings.HasSuffix(tok, "h")
	case strings.HasPrefix(tok, "\x1b[") && strings.HasSuffix(tok, "A"):
		n, _ := strconv.Atoi(tok[2 : len(tok)-1])
		s.row -= n
	case strings.HasPrefix(tok, "\x1b[") && strings.HasSuffix(tok, "m"):
	case tok < " " || tok == "\x7f" || len(tok) > 4:
		s.unknown = append(s.unknown, tok)
	default:
		s.put(tok)
	}
}

func (s *screen) put(char string) {
	if s.column == s.columns {
		if !s.wrap {
			return
		}
		s.down()
	}
	line := []rune(s.rows[s.row])
	s.rows[s.row] = string(line[:s.column]) + char + string(line[min(s.column+1, len(line)):])
	s.column++
}

func (s *screen) down() {
	s.row, s.column = s.row+1, 0
	if s.row == len(s.rows) {
		s.rows = append(s.rows, "")
	}
}

// String returns what is to be seen.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.rows, "\n")
}
