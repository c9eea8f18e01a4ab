package inspect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"net/url"
	"slices"
	"strings"
)

// Names for functions that are in no package.
const (
	// generated is what the compiler adds, as the comparison of two structs.
	generated = "(generated)"
	// assembly is written in assembly under a bare name.
	assembly = "(assembly)"
	// other is code whose module is not known, and packages beyond maxPackages.
	other = "(other)"
)

const mainPackage = "main"

// Bounds on what a function table can make us remember.
const (
	maxFunctions   = 4 << 20
	maxPackages    = 50_000
	maxPackageName = 512
)

// How the table of functions begins, since Go 1.18 and since 1.20, and what its
// beginning is aligned to.
const (
	magic118    = 0xfffffff0
	magic120    = 0xfffffff1
	pairOfWords = 8
)

// functionSizes sums the machine code of each package up from a Go program's table
// of functions, which stays when a program is stripped. A table in a form that is
// not known has no sizes.
//
// debug/gosym reads the same table, but it copies the name of each function, and a
// hostile table can have millions that are megabytes long.
func functionSizes(table []byte) (packages map[string]int64, covered int64) {
	t, ok := openTable(table)
	if !ok {
		return nil, 0
	}
	packages = map[string]int64{}
	for i := range t.count {
		start, end := t.word(t.functions, 8*i), t.word(t.functions, 8*(i+1))
		info := slice(t.functions, uint64(t.word(t.functions, 8*i+4)), 8)
		if end < start || len(info) < 8 {
			break
		}
		size := int64(end - start)
		name := packageName(slice(t.names, uint64(t.word(info, 4)), math.MaxInt64), t.old)
		// No copy of the name is made where the package is known already.
		if _, known := packages[string(name)]; !known && len(packages) >= maxPackages {
			name = []byte(other)
		}
		packages[string(name)] += size
		covered += size
	}
	return unescape(packages), covered
}

// table is the part of a function table that is of interest: pairs of 32-bit words,
// the offset of a function in the code and that of its description.
// The layout is that of cmd/link/internal/ld/pcln.go since Go 1.18.
type table struct {
	order            binary.ByteOrder
	count            int
	functions, names []byte
	old              bool // before Go 1.20
}

func (t table) word(b []byte, at int) uint32 { return t.order.Uint32(b[at:]) }

func openTable(data []byte) (table, bool) {
	if len(data) < 8+8*8 {
		return table{}, false
	}
	t := table{order: binary.LittleEndian}
	if data[0] == 0xff {
		t.order = binary.BigEndian
	}
	magic, pointer := t.word(data, 0), int(data[7])
	if magic != magic118 && magic != magic120 || pointer != 4 && pointer != 8 {
		return table{}, false
	}
	t.old = magic == magic118
	field := func(n int) uint64 {
		if pointer == 4 {
			return uint64(t.word(data, 8+4*n))
		}
		return t.order.Uint64(data[8+8*n:])
	}
	count := field(0)
	t.names, t.functions = slice(data, field(3), math.MaxInt64), slice(data, field(7), math.MaxInt64)
	if count == 0 || count > maxFunctions || count*8+4 > uint64(len(t.functions)) {
		return table{}, false
	}
	t.count = int(count)
	return t, true
}

// packageName returns the import path in the name of a function, as the linker
// escaped it: the dots of its last element are %2e, so that the first one ends it.
func packageName(name []byte, old bool) []byte {
	name = name[:min(maxPackageName, len(name))]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	prefixes := []string{"type:", "go:"}
	if old {
		prefixes = []string{"type.", "go."}
	}
	for _, p := range prefixes {
		if bytes.HasPrefix(name, []byte(p)) {
			return []byte(generated)
		}
	}
	// Type arguments have paths of their own.
	name, _, _ = bytes.Cut(name, []byte("["))
	slash := bytes.LastIndexByte(name, '/') + 1
	dot := bytes.IndexByte(name[slash:], '.')
	if dot < 0 || slash+dot == 0 {
		return []byte(assembly)
	}
	return name[:slash+dot]
}

// unescape gives packages their import paths.
func unescape(packages map[string]int64) map[string]int64 {
	plain := make(map[string]int64, len(packages))
	for name, size := range packages {
		if path, err := url.PathUnescape(name); err == nil {
			name = path
		}
		plain[name] += size
	}
	return plain
}

func sortBySize(all []Weight) {
	slices.SortFunc(all, func(a, b Weight) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Name, b.Name))
	})
}
