package leak

import (
	"errors"
	"io"
)

// piece is how much of a file is searched at once, in bytes.
const piece = 64 << 10

// Search looks through the bytes of one file after the other.
type Search struct {
	rules *Rules
	// data is what was not searched yet, from next on, and what rules may look back to.
	data []byte
	next int
	// counts are how often each rule is broken, and broken that any is.
	counts []int
	broken bool
}

// Search starts a search by these rules.
func (r *Rules) Search() *Search {
	return &Search{rules: r, data: make([]byte, 0, behind+ahead+piece), counts: make([]int, len(r.all))}
}

// Write takes some bytes of a file. It never fails.
func (s *Search) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := copy(s.data[len(s.data):cap(s.data)], rest)
		rest = rest[n:]
		s.grow(n)
	}
	return len(p), nil
}

// ReadFrom takes what is left of a file.
func (s *Search) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for {
		n, err := r.Read(s.data[len(s.data):cap(s.data)])
		total += int64(n)
		s.grow(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func (s *Search) grow(n int) {
	if s.data = s.data[:len(s.data)+n]; len(s.data) == cap(s.data) {
		s.look(len(s.data) - ahead)
	}
}

// look searches up to an offset, and keeps what may have to be looked at again.
func (s *Search) look(to int) {
	s.rules.scan(s.data, s.next, to, false, func(rule, _, _ int) {
		s.counts[rule]++
		s.broken = true
	})
	first := max(0, to-behind)
	s.data = s.data[:copy(s.data, s.data[first:])]
	s.next = to - first
}

// End tells what the file breaks, in the order of the rules, and makes ready for the
// next one.
func (s *Search) End() []Found {
	s.look(len(s.data))
	s.data, s.next = s.data[:0], 0
	if !s.broken {
		return nil
	}
	var all []Found
	for i, n := range s.counts {
		if n > 0 {
			all = append(all, Found{Rule: s.rules.all[i].rule, What: s.rules.all[i].what, Count: n})
		}
	}
	clear(s.counts)
	s.broken = false
	return all
}
