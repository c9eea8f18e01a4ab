package replay

import (
	"encoding/binary"
	"slices"
	"strings"
)

// encoder writes the parts of a token: numbers as varints, texts after their lengths.
type encoder struct{ b []byte }

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) settings(all map[string][]string) {
	e.number(uint64(len(all)))
	for _, name := range sorted(all) {
		e.text(name)
		e.number(uint64(len(all[name])))
		for _, value := range all[name] {
			e.text(value)
		}
	}
}

func (e *encoder) print(f Fingerprint) {
	e.number(uint64(max(slices.Index(engines, f.Engine), 0)))
	e.text(strings.TrimPrefix(f.Release, "go"))
	there := uint64(0)
	for i, sum := range f.Inputs {
		if sum != 0 {
			there |= 1 << i
		}
	}
	e.number(there)
	for _, sum := range f.Inputs {
		if sum != 0 {
			e.b = binary.BigEndian.AppendUint32(e.b, sum)
		}
	}
	e.number(uint64(max(slices.Index(kinds, f.Kind), 0)))
	if f.Kind != "" {
		e.number(uint64(f.Count))
		e.b = binary.BigEndian.AppendUint64(e.b, f.Identity)
	}
	e.number(uint64(len(f.Digests)))
	for _, digest := range f.Digests {
		e.b = binary.BigEndian.AppendUint64(e.b, digest)
	}
}

// decoder reads them. What it reads comes from outside: once something is wrong, all
// that follows is empty, and nothing is made that the token itself is not long enough for.
type decoder struct {
	b     []byte
	wrong bool
}

func (d *decoder) refuse(wrong bool) {
	if wrong {
		d.wrong, d.b = true, nil
	}
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.refuse(true)
		return 0
	}
	d.b = d.b[size:]
	return n
}

// small is a number up to a bound.
func (d *decoder) small(limit uint64) int {
	n := d.number()
	if n > limit {
		d.refuse(true)
		return 0
	}
	return int(n)
}

// count is how many things follow that have at least so many bytes each.
func (d *decoder) count(size int) int { return d.small(uint64(len(d.b) / size)) }

func (d *decoder) bytes(n int) []byte {
	if n > len(d.b) {
		d.refuse(true)
		return make([]byte, n)
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes(d.count(1))) }

func (d *decoder) settings() map[string][]string {
	n := d.count(2)
	if n == 0 {
		return nil
	}
	all := map[string][]string{}
	for range n {
		name := d.text()
		_, twice := all[name]
		d.refuse(name == "" || twice)
		all[name] = nil
		for range d.count(1) {
			all[name] = append(all[name], d.text())
		}
	}
	return all
}

func (d *decoder) print() Fingerprint {
	var f Fingerprint
	f.Engine = engines[d.small(uint64(len(engines)-1))]
	if release := d.text(); release != "" {
		f.Release = "go" + release
	}
	there := d.small(1<<len(f.Inputs) - 1)
	for i := range f.Inputs {
		if there&(1<<i) != 0 {
			f.Inputs[i] = binary.BigEndian.Uint32(d.bytes(4))
		}
	}
	f.Kind = kinds[d.small(uint64(len(kinds)-1))]
	if f.Kind != "" {
		f.Count = d.small(1e9)
		f.Identity = binary.BigEndian.Uint64(d.bytes(8))
	}
	for range d.count(8) {
		f.Digests = append(f.Digests, binary.BigEndian.Uint64(d.bytes(8)))
	}
	return f
}
