package report

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/inspect"
)

// module is a module of a program with its packages, from the largest.
type module struct {
	name, version string
	// kind is how it is coloured: own, std, other for code that is of no module, and
	// dep0 to dep5 for dependencies.
	kind     string
	size     int64
	packages []part
}

type part struct {
	name string
	size int64
}

func (m module) title() string { return strings.TrimSpace(clean(m.name) + " " + clean(m.version)) }

// label is as much of a module's name as there is room for.
func (m module) label(width float64) string {
	name := clean(m.name)
	short := path.Base(name)
	if major.MatchString(short) {
		short = path.Base(path.Dir(name)) + "/" + short
	}
	for _, text := range []string{m.title(), name, short} {
		if float64(utf8.RuneCountInString(text))*boldLetter <= width {
			return text
		}
	}
	return fit(short, width)
}

// major is the last part of a module's path that is a major version.
var major = regexp.MustCompile(`^v[0-9]+$`)

// maxModules bounds the areas of a drawing; the smaller modules are one.
const maxModules = 40

// modulesOf puts packages to their modules: the longest path that begins theirs. What
// has no dot in its first element is Go's own, as in the go command.
func modulesOf(g *inspect.Go) []module {
	var mods []module
	at := map[string]int{}
	for _, w := range g.Modules {
		if _, known := at[w.Name]; w.Size > 0 && !known {
			at[w.Name] = len(mods)
			mods = append(mods, module{name: w.Name, version: w.Version, size: w.Size})
		}
	}
	for _, w := range g.Packages {
		if i, ok := owner(at, w.Name); ok && w.Size > 0 {
			mods[i].packages = append(mods[i].packages, part{w.Name, w.Size})
		}
	}
	slices.SortStableFunc(mods, func(a, b module) int { return cmp.Compare(b.size, a.size) })
	mods = mergeTail(mods)
	deps := 0
	for i := range mods {
		mods[i].complete()
		switch m := &mods[i]; {
		case m.name == g.Module.Path && m.name != "":
			m.kind = "own"
		case m.name == "std":
			m.kind = "std"
		case strings.HasPrefix(m.name, "("):
			m.kind = "other"
		default:
			m.kind = fmt.Sprintf("dep%d", deps%6)
			deps++
		}
	}
	slices.SortStableFunc(mods, func(a, b module) int { return cmp.Compare(b.size, a.size) })
	return mods
}

func owner(at map[string]int, name string) (int, bool) {
	for prefix := name; ; {
		if i, ok := at[prefix]; ok {
			return i, true
		}
		cut := strings.LastIndexByte(prefix, '/')
		if cut < 0 {
			break
		}
		prefix = prefix[:cut]
	}
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") {
		i, ok := at["std"]
		return i, ok
	}
	i, ok := at["(other)"]
	return i, ok
}

func mergeTail(mods []module) []module {
	if len(mods) <= maxModules {
		return mods
	}
	rest := module{name: fmt.Sprintf("(%d smaller modules)", len(mods)-maxModules)}
	for _, m := range mods[maxModules:] {
		rest.size += m.size
		rest.packages = append(rest.packages, part{m.name, m.size})
	}
	return append(mods[:maxModules:maxModules], rest)
}

// complete sorts the packages and makes their sizes add up to the module's.
func (m *module) complete() {
	sum := int64(0)
	for _, p := range m.packages {
		sum += p.size
	}
	switch {
	case len(m.packages) == 0:
		m.packages = []part{{m.name, m.size}}
	case sum < m.size:
		m.packages = append(m.packages, part{m.name + " (rest)", m.size - sum})
	default:
		m.size = sum
	}
	slices.SortStableFunc(m.packages, func(a, b part) int { return cmp.Compare(b.size, a.size) })
}
