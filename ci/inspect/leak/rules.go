package leak

import (
	"bytes"
	"encoding/binary"
)

// How far around an anchor a rule may look, in bytes.
const (
	behind = 256
	ahead  = 1024
)

// gram is how many bytes of an anchor are looked for at once.
const gram = 4

// window is what a rule sees of an anchor: in files nothing further away than behind
// and ahead, so that its answer does not depend on how bytes were cut into pieces.
type window struct {
	data []byte
	// The anchor is data[at:end].
	at, end int
	// said is a text in which an image speaks of itself. There are few of them and
	// they are short, so that rules are stricter there than among all bytes of files.
	said bool
}

// rule is a kind of secret. Each match has an anchor in it.
type rule struct {
	rule    Rule
	what    string
	anchors []string
	// match returns the bounds of what is secret, or false.
	match func(window) (start, end int, ok bool)
}

// Rules are the secrets and names that are looked for.
type Rules struct {
	all []rule
	// names is the index of the first rule that is a name of the machine.
	names int
	// shift is by how much the search may go on where it sees two bytes: the method of
	// Wu and Manber (1994), with anchors as patterns.
	shift   [1 << 16]uint8
	anchors map[uint32][]anchor
}

type anchor struct {
	text string
	rule int
}

// NewRules prepares the search for secrets and for the names of a machine, of which
// those that would be found everywhere are left out.
func NewRules(machine []Forbidden) *Rules {
	r := &Rules{all: secrets(), anchors: map[uint32][]anchor{}}
	r.names = len(r.all)
	r.all = append(r.all, names(machine)...)
	for i := range r.shift {
		r.shift[i] = gram - 1
	}
	for i, one := range r.all {
		for _, text := range one.anchors {
			key := binary.LittleEndian.Uint32([]byte(text))
			r.anchors[key] = append(r.anchors[key], anchor{text, i})
			for end := 2; end <= gram; end++ {
				pair := binary.LittleEndian.Uint16([]byte(text[end-2:]))
				r.shift[pair] = min(r.shift[pair], uint8(gram-end))
			}
		}
	}
	return r
}

// skip is by how much a search may go on from an offset, at most gram-1.
func (r *Rules) skip(data []byte, i int) uint8 {
	return r.shift[binary.LittleEndian.Uint16(data[i+2:])]
}

// scan calls found for each match whose anchor begins in data[from:to].
func (r *Rules) scan(data []byte, from, to int, said bool, found func(rule, start, end int)) {
	for i, stop := from, min(to, len(data)-gram+1); i < stop; {
		// Four steps that do not wait for each other. Nearly all are as long as can be,
		// which is 3, so that only all four of those have both bits in common.
		const most = gram - 1
		for i+4*most < stop && r.skip(data, i)&r.skip(data, i+most)&r.skip(data, i+2*most)&r.skip(data, i+3*most) == most {
			i += 4 * most
		}
		if skip := r.skip(data, i); skip != 0 {
			i += int(skip)
			continue
		}
		// Of names of the machine at one place the first is the longest.
		named := false
		for _, a := range r.anchors[binary.LittleEndian.Uint32(data[i:])] {
			if a.rule >= r.names && named || !bytes.HasPrefix(data[i:], []byte(a.text)) {
				continue
			}
			first, last := max(0, i-behind), min(len(data), i+ahead)
			if said {
				first, last = 0, len(data)
			}
			w := window{data: data[first:last], at: i - first, said: said}
			w.end = w.at + len(a.text)
			if start, end, ok := r.all[a.rule].match(w); ok {
				named = named || a.rule >= r.names
				found(a.rule, first+start, first+end)
			}
		}
		i++
	}
}

// Said finds what breaks a rule in a text in which an image speaks of itself: a
// label, a variable, an argument.
func (r *Rules) Said(text string) []Match {
	var all []Match
	r.scan([]byte(text), 0, len(text), true, func(i, start, end int) {
		all = append(all, Match{Rule: r.all[i].rule, What: r.all[i].what, Start: start, End: end})
	})
	return all
}

// Names finds names of the machine in a text.
func (r *Rules) Names(text string) []Match {
	if r.names == len(r.all) {
		return nil
	}
	var all []Match
	for _, m := range r.Said(text) {
		if m.Rule == BuildPath || m.Rule == MachineName {
			all = append(all, m)
		}
	}
	return all
}

// mask stands for a secret.
const mask = "***"

// Mask returns a text without its secrets. Names of the machine stay: they are none
// to whoever reads a report.
func (r *Rules) Mask(text string) string {
	var masked []byte
	rest := 0
	for _, m := range r.Said(text) {
		if m.Rule == BuildPath || m.Rule == MachineName || m.End <= rest {
			continue
		}
		masked = append(append(masked, text[rest:max(rest, m.Start)]...), mask...)
		for rest = m.End; rest < len(text) && classes[text[rest]]&blob != 0; {
			rest++ // a token may be longer than what was looked at
		}
	}
	return string(append(masked, text[rest:]...))
}
