package inspect

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"runtime/debug"
	"slices"
	"strings"
)

// maxBuildInfo bounds the list of modules in a program, in bytes.
const maxBuildInfo = 4 << 20

// settings are the build settings that change what a program does or is.
var settings = []string{
	"-buildmode", "-tags", "-ldflags", "-gcflags", "-asmflags", "-trimpath", "-race", "-msan", "-asan", "-cover", "-pgo",
	"CGO_ENABLED", "DefaultGODEBUG", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOEXPERIMENT", "GOFIPS140", "GOOS",
	"GOPPC64", "GORISCV64", "vcs.revision", "vcs.time", "vcs.modified",
}

// newGo reads what Go's linker left in an ELF file, or returns nil if it did not
// make it.
func newGo(f *elf.File, data []byte) *Go {
	version, info := buildInfo(section(f, data, ".go.buildinfo"))
	if version == "" {
		return nil
	}
	g := &Go{Version: version, Settings: map[string]string{}}
	g.Package, g.Module = info.Path, Module{info.Main.Path, info.Main.Version}
	g.Dependencies = dependencies(info)
	for _, s := range info.Settings {
		for _, key := range settings {
			if s.Key == key && s.Value != "" {
				g.Settings[key] = s.Value
			}
		}
	}
	if s := f.Section(".text"); s != nil {
		g.Text = int64(len(slice(data, s.Offset, s.FileSize)))
	}
	sizes, covered := functionSizes(functionTable(f, data))
	g.Covered = covered
	g.weigh(sizes, info)
	return g
}

// dependencies lists modules as they are in the program: a replacement is what was
// compiled.
func dependencies(info *debug.BuildInfo) []Dependency {
	var all []Dependency
	for _, m := range info.Deps {
		d := Dependency{Module: Module{m.Path, m.Version}, Sum: m.Sum}
		if m.Replace != nil {
			asked := d.Module
			d = Dependency{Module: Module{m.Replace.Path, m.Replace.Version}, Sum: m.Replace.Sum, Replaces: &asked}
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b Dependency) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Version, b.Version))
	})
	return all
}

// functionTable finds Go's table of functions. With -buildmode=pie it lies among
// what has to be relocated, and other linkers give it no section of its own there.
func functionTable(f *elf.File, data []byte) []byte {
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if table := section(f, data, name); table != nil {
			return table
		}
	}
	magic := f.ByteOrder.(binary.AppendByteOrder).AppendUint32(nil, magic120)
	old := f.ByteOrder.(binary.AppendByteOrder).AppendUint32(nil, magic118)
	for rest := section(f, data, ".data.rel.ro"); len(rest) >= pairOfWords; rest = rest[pairOfWords:] {
		if !bytes.HasPrefix(rest, magic) && !bytes.HasPrefix(rest, old) {
			continue
		}
		if _, ok := openTable(rest); ok {
			return rest
		}
	}
	return nil
}

// section returns the bytes of a section in the file. A compressed one counts as
// absent: the linker compresses none of those that are asked for.
func section(f *elf.File, data []byte, name string) []byte {
	s := f.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil
	}
	return slice(data, s.Offset, s.FileSize)
}

// buildInfo reads the form that Go writes since 1.18: a header of 32 bytes, then the
// version and the module information, each after its length. It returns an empty
// version for anything else. debug/buildinfo reads older forms too, by pointers
// that may lead it anywhere.
func buildInfo(data []byte) (version string, info *debug.BuildInfo) {
	const header, inline = 32, 2
	if len(data) < header || !bytes.HasPrefix(data, []byte("\xff Go buildinf:")) || data[15]&inline == 0 {
		return "", nil
	}
	release, rest := counted(data[header:])
	modules, _ := counted(rest)
	if len(modules) > maxBuildInfo {
		modules = nil
	}
	// The linker puts 16 bytes before and after for those who search a process.
	const mark = 16
	if len(modules) >= 2*mark {
		modules = modules[mark : len(modules)-mark]
	}
	info, err := debug.ParseBuildInfo(string(modules))
	if err != nil {
		info = &debug.BuildInfo{}
	}
	return string(release[:min(maxName, len(release))]), info
}

// counted cuts off bytes that follow their length.
func counted(data []byte) (head, rest []byte) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil
	}
	return data[width:][:n], data[width:][n:]
}

// weigh sums functions up by package and module.
func (g *Go) weigh(packages map[string]int64, info *debug.BuildInfo) {
	versions := map[string]string{}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != "" {
			versions[m.Path] = m.Version
			if m.Replace != nil {
				versions[m.Path] = cmp.Or(m.Replace.Version, m.Version)
			}
		}
	}
	modules := map[string]int64{}
	for name, size := range packages {
		module := moduleOf(name, versions, g.Module.Path)
		modules[module] += size
		if name == mainPackage && g.Package != "" {
			name = g.Package
		}
		g.Packages = append(g.Packages, Weight{Name: name, Size: size})
	}
	versions[std] = g.Version
	for name, size := range modules {
		g.Modules = append(g.Modules, Weight{Name: name, Version: versions[name], Size: size})
	}
	sortBySize(g.Packages)
	sortBySize(g.Modules)
}

// std stands for the standard library and the runtime.
const std = "std"

// moduleOf finds the module with the longest path that a package lies in.
func moduleOf(name string, modules map[string]string, main string) string {
	switch {
	case name == generated, name == other:
		return name
	case name == mainPackage && main != "":
		return main
	case name == assembly, strings.HasPrefix(name, "vendor/"):
		return std
	}
	for path := name; path != ""; {
		if _, ok := modules[path]; ok {
			return path
		}
		path = path[:max(0, strings.LastIndexByte(path, '/'))]
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") && name != mainPackage {
		return std
	}
	return other
}
