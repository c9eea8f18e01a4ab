package gocmd

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// machines are the ELF machines of Go's architectures.
var machines = map[string]struct {
	machine elf.Machine
	order   binary.ByteOrder
}{
	"386":      {elf.EM_386, binary.LittleEndian},
	"amd64":    {elf.EM_X86_64, binary.LittleEndian},
	"arm":      {elf.EM_ARM, binary.LittleEndian},
	"arm64":    {elf.EM_AARCH64, binary.LittleEndian},
	"loong64":  {elf.EM_LOONGARCH, binary.LittleEndian},
	"mips64le": {elf.EM_MIPS, binary.LittleEndian},
	"ppc64le":  {elf.EM_PPC64, binary.LittleEndian},
	"riscv64":  {elf.EM_RISCV, binary.LittleEndian},
	"s390x":    {elf.EM_S390, binary.BigEndian},
}

// check refuses a binary that is not a static ELF program of the platform built by
// the pinned release: a distroless base has no loader and no libraries.
func check(name string, p plan.Platform, release string) error {
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Source, "the binary %s for %s %s", filepath.Base(name), p, fmt.Sprintf(format, args...)).
			WithFix("a static image needs a static program of its own platform: build without cgo and without -buildmode")
	}
	f, err := elf.Open(name)
	if err != nil {
		return refuse("is not an ELF file (%v)", err)
	}
	defer f.Close()
	if want := machines[p.Arch]; f.Machine != want.machine || f.ByteOrder != want.order {
		return refuse("is for %s", f.Machine)
	}
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_INTERP {
			return refuse("asks for a dynamic loader")
		}
	}
	if libs, err := f.ImportedLibraries(); err == nil && len(libs) > 0 {
		return refuse("needs shared libraries: %s", strings.Join(libs, ", "))
	}
	info, err := buildinfo.ReadFile(name)
	if err != nil {
		return refuse("carries no Go build information (%v)", err)
	}
	if got, _, _ := strings.Cut(info.GoVersion, " "); got != release {
		return fault.New(fault.Engine, "the binary %s was built by %s, the pin says %s", filepath.Base(name), got, release).
			WithFix("remove Slipway's cache folder and build again")
	}
	return nil
}
