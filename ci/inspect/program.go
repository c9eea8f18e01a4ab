package inspect

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Bounds on what debug/elf reads: it trusts a file to be what a linker made, and
// copies a name for each section.
const (
	maxSections     = 512
	maxSectionNames = 64 << 10
)

// newProgram looks into an ELF file. It keeps nothing of data.
func newProgram(data []byte) (p *Program) {
	p = &Program{Size: int64(len(data))}
	// Package debug/elf says of itself that a hostile file may make it panic.
	defer func() {
		if recover() != nil {
			p = &Program{Size: int64(len(data)), Unread: errMalformed.Error()}
		}
	}()
	f, err := openELF(data)
	if err != nil {
		p.Unread = err.Error()
		return p
	}
	p.Arch = goArch(f)
	p.dynamics(f, data)
	p.Stripped = !slices.ContainsFunc(f.Sections, func(s *elf.Section) bool {
		return s.Type == elf.SHT_SYMTAB || s.Name == ".debug_info" || s.Name == ".zdebug_info"
	})
	p.Go = newGo(f, data)
	return p
}

var errMalformed = errors.New("it is no well-formed ELF file")

// openELF refuses a file that would cost debug/elf much more than its own size.
func openELF(data []byte) (*elf.File, error) {
	if len(data) < 64 {
		return nil, errMalformed
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if elf.Data(data[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	wide := elf.Class(data[elf.EI_CLASS]) == elf.ELFCLASS64
	// Offsets of the section table, its entries' size and number and the entry of the
	// names in the ELF header; of flags and size in an entry.
	table, sizes, flags, length, header := uint64(order.Uint32(data[32:])), data[46:], uint64(8), uint64(20), uint64(40)
	if wide {
		table, sizes, length, header = order.Uint64(data[40:]), data[58:], 32, 64
	}
	size, number, names := uint64(order.Uint16(sizes)), uint64(order.Uint16(sizes[2:])), uint64(order.Uint16(sizes[4:]))
	if number == 0 && table == 0 {
		return elf.NewFile(bytes.NewReader(data))
	}
	entry := table + names*size
	if number == 0 || number > maxSections || names >= number || table > uint64(len(data)) || entry+header > uint64(len(data)) {
		return nil, errMalformed
	}
	compressed, bytesOfNames := uint64(order.Uint32(data[entry+flags:])), uint64(order.Uint32(data[entry+length:]))
	if wide {
		compressed, bytesOfNames = order.Uint64(data[entry+flags:]), order.Uint64(data[entry+length:])
	}
	if compressed&uint64(elf.SHF_COMPRESSED) != 0 || bytesOfNames > maxSectionNames {
		return nil, errMalformed
	}
	return elf.NewFile(bytes.NewReader(data))
}

// goArch returns the architecture in Go's words.
func goArch(f *elf.File) string {
	little := f.Data == elf.ELFDATA2LSB
	switch {
	case f.Machine == elf.EM_X86_64:
		return "amd64"
	case f.Machine == elf.EM_386:
		return "386"
	case f.Machine == elf.EM_AARCH64 && little:
		return "arm64"
	case f.Machine == elf.EM_ARM && little:
		return "arm"
	case f.Machine == elf.EM_PPC64 && little:
		return "ppc64le"
	case f.Machine == elf.EM_PPC64:
		return "ppc64"
	case f.Machine == elf.EM_RISCV && f.Class == elf.ELFCLASS64:
		return "riscv64"
	case f.Machine == elf.EM_S390:
		return "s390x"
	case f.Machine == elf.EM_LOONGARCH:
		return "loong64"
	case f.Machine == elf.EM_MIPS && f.Class == elf.ELFCLASS64 && little:
		return "mips64le"
	}
	return f.Machine.String()
}

// dynamics reads what the kernel and the loader go by: the program headers. The
// section headers, which debug/elf asks, may be missing or lie.
func (p *Program) dynamics(f *elf.File, data []byte) {
	for _, prog := range f.Progs {
		segment := slice(data, prog.Off, prog.Filesz)
		switch prog.Type {
		case elf.PT_INTERP:
			p.Interpreter = text(segment)
			if p.Interpreter == "" {
				p.Interpreter = "unreadable"
			}
		case elf.PT_DYNAMIC:
			p.Needed = needed(f, data, segment)
		}
	}
	p.Static = p.Interpreter == "" && len(p.Needed) == 0
}

// needed lists the libraries in a dynamic section.
func needed(f *elf.File, data, section []byte) []string {
	word, value := 4, func(b []byte) uint64 { return uint64(f.ByteOrder.Uint32(b)) }
	if f.Class == elf.ELFCLASS64 {
		word, value = 8, f.ByteOrder.Uint64
	}
	var names []byte
	var offsets []uint64
	for ; len(section) >= 2*word && len(offsets) < named; section = section[2*word:] {
		tag, val := elf.DynTag(value(section)), value(section[word:])
		switch tag {
		case elf.DT_NEEDED:
			offsets = append(offsets, val)
		case elf.DT_STRTAB:
			names = mapped(f, data, val)
		}
		if tag == elf.DT_NULL {
			break
		}
	}
	var libraries []string
	for _, offset := range offsets {
		name := text(slice(names, offset, uint64(len(names))))
		if name == "" {
			name = fmt.Sprintf("unreadable (%d)", offset)
		}
		libraries = append(libraries, name)
	}
	return libraries
}

// mapped returns what a file has in memory from an address on.
func mapped(f *elf.File, data []byte, addr uint64) []byte {
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_LOAD && addr >= prog.Vaddr && addr-prog.Vaddr < prog.Filesz {
			return slice(data, prog.Off+addr-prog.Vaddr, prog.Filesz-(addr-prog.Vaddr))
		}
	}
	return nil
}

// slice returns up to n bytes of data from an offset on, as many as there are.
func slice(data []byte, offset, n uint64) []byte {
	if offset >= uint64(len(data)) {
		return nil
	}
	data = data[offset:]
	return data[:min(n, uint64(len(data)))]
}

// text returns the string up to the first zero byte, bounded as a path is.
func text(data []byte) string {
	data = data[:min(maxPath, len(data))]
	if end := bytes.IndexByte(data, 0); end >= 0 {
		data = data[:end]
	}
	return string(data)
}
