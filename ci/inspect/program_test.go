package inspect

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// self is this test's own program: a large one that Go built, not stripped.
func self(t testing.TB) []byte {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the programs of this system are no ELF files")
	}
	name, err := os.Executable()
	require.NoError(t, err)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return data
}

func TestNewProgram_ReadsWhatGoWrote(t *testing.T) {
	t.Parallel()
	data := self(t)
	want, err := buildinfo.Read(bytes.NewReader(data))
	require.NoError(t, err)
	p := newProgram(data)
	require.Empty(t, p.Unread)
	require.Equal(t, int64(len(data)), p.Size)
	require.Equal(t, runtime.GOARCH, p.Arch)
	require.Equal(t, want.GoVersion, p.Go.Version)
	require.Equal(t, want.Path, p.Go.Package)
	require.Equal(t, Module{want.Main.Path, want.Main.Version}, p.Go.Module)
	require.Equal(t, runtime.GOARCH, p.Go.Settings["GOARCH"])
	modules := map[string]Weight{}
	var sum int64
	for _, m := range p.Go.Modules {
		modules[m.Name] = m
		sum += m.Size
	}
	require.Equal(t, p.Go.Covered, sum)
	require.Equal(t, "example.com/slipway", p.Go.Module.Path)
	require.Positive(t, modules["example.com/slipway"].Size)
	require.Positive(t, modules[other].Size, "the program of a test does not list the modules that it depends on")
	require.Equal(t, runtime.Version(), modules["std"].Version)
	require.GreaterOrEqual(t, p.Go.Text, p.Go.Covered)
	require.Greater(t, float64(p.Go.Covered), 0.95*float64(p.Go.Text))
}

// debug/gosym reads the same table, for programs that can be trusted.
func TestFunctionSizes_AreThoseOfGosym(t *testing.T) {
	t.Parallel()
	data := self(t)
	f, err := elf.NewFile(bytes.NewReader(data))
	require.NoError(t, err)
	table := functionTable(f, data)
	trusted, err := gosym.NewTable(nil, gosym.NewLineTable(table, f.Section(".text").Addr))
	require.NoError(t, err)
	want := map[string]int64{}
	for _, function := range trusted.Funcs {
		name := function.PackageName()
		if name == "" {
			name = assembly
			if strings.HasPrefix(function.Name, "type:") || strings.HasPrefix(function.Name, "go:") {
				name = generated
			}
		}
		want[name] += int64(function.End - function.Entry)
	}
	got, _ := functionSizes(table)
	require.Equal(t, unescape(want), got)
}

// As Slipway builds: stripped, static, for another architecture too.
func TestNewProgram_ReadsStrippedPrograms(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the runtime, which is slow")
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "tide"))))
	require.NoError(t, os.Rename(filepath.Join(dir, "go.mod.txt"), filepath.Join(dir, "go.mod")))
	require.NoError(t, os.Rename(filepath.Join(dir, "sea", "go.mod.txt"), filepath.Join(dir, "sea", "go.mod")))
	for _, c := range []struct{ arch, mode string }{{"amd64", "exe"}, {"amd64", "pie"}, {"386", "exe"}} {
		out := filepath.Join(dir, c.arch+c.mode)
		build := exec.Command("go", "build", "-trimpath", "-buildmode="+c.mode, "-ldflags=-s -w", "-o", out, ".")
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+c.arch, "GOFLAGS=", "GOWORK=off")
		message, err := build.CombinedOutput()
		require.NoError(t, err, string(message))
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		p := newProgram(data)
		require.Equal(t, c.arch, p.Arch)
		require.True(t, p.Stripped)
		require.Equal(t, c.mode == "exe", p.Static, "a program of -buildmode=pie names an interpreter")
		require.Equal(t, "true", p.Go.Settings["-trimpath"])
		require.InEpsilon(t, p.Go.Text, p.Go.Covered, 0.01)
		sizes := map[string]int64{}
		for _, w := range p.Go.Packages {
			sizes[w.Name] = w.Size
		}
		require.Positive(t, sizes["example.com/tide"], "main under its import path")
		require.Positive(t, sizes["example.com/tide/moon.phase"], "a path that the linker escapes")
		modules := map[string]string{}
		for _, w := range p.Go.Modules {
			modules[w.Name] = w.Version
		}
		require.Equal(t, "std", p.Go.Modules[0].Name)
		require.Equal(t, "(devel)", modules["example.com/sea"], "what a replacement is, not what it replaces")
		require.Contains(t, modules, "example.com/tide")
		require.NotContains(t, modules, other)
	}
}

func TestPackageName_IsTheImportPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"main.main":                                     "main",
		"net/http.(*Server).Serve":                      "net/http",
		"gopkg.in/yaml%2ev3.(*Node).Kind":               "gopkg.in/yaml%2ev3",
		"slices.SortFunc[go.shape.[]example.com/a/b.T]": "slices",
		"example.com/a.(*List[example.com/b.T]).Push":   "example.com/a",
		"example.com/a/b.init.0.func1":                  "example.com/a/b",
		"type:.eq.example.com/a/b.T":                    generated,
		"go:buildid":                                    generated,
		"memeqbody":                                     assembly,
		".hidden":                                       assembly,
		"":                                              assembly,
	} {
		require.Equal(t, want, string(packageName([]byte(name+"\x00rest"), false)), name)
	}
	require.Equal(t, generated, string(packageName([]byte("type..eq.a.T"), true)))
	require.Equal(t, "go/ast", string(packageName([]byte("go/ast.Walk"), true)))
}

func TestModuleOf_IsTheLongestThatFits(t *testing.T) {
	t.Parallel()
	modules := map[string]string{"example.com/a": "", "example.com/a/b": "v1", "tide": "", "gopkg.in/yaml.v3": "v3"}
	for name, want := range map[string]string{
		"main": "tide", "example.com/a": "example.com/a", "example.com/a/c": "example.com/a", "example.com/a/b/c": "example.com/a/b",
		"example.com/ab": other, "gopkg.in/yaml.v3": "gopkg.in/yaml.v3", "net/http": std, "vendor/golang.org/x/net/idna": std, "runtime": std,
		"tide/moon": "tide", assembly: std, generated: generated, other: other,
	} {
		require.Equal(t, want, moduleOf(name, modules, "tide"), name)
	}
}

// tables in every form that a linker writes: byte order, size of a pointer, version.
func madeTable(order binary.AppendByteOrder, pointer int, magic uint32, names ...string) []byte {
	word := func(b []byte, v int) []byte {
		if pointer == 4 {
			return order.AppendUint32(b, uint32(v))
		}
		return order.AppendUint64(b, uint64(v))
	}
	var text, pairs, infos []byte
	pairsSize := 8*len(names) + 4
	for i, name := range names {
		pairs = order.AppendUint32(order.AppendUint32(pairs, uint32(16*i)), uint32(pairsSize+8*i))
		infos = order.AppendUint32(order.AppendUint32(infos, uint32(16*i)), uint32(len(text)))
		text = append(text, name+"\x00"...)
	}
	pairs = order.AppendUint32(pairs, uint32(16*len(names)))
	head := append(order.AppendUint32(nil, magic), 0, 0, 1, byte(pointer))
	size := len(head) + 8*pointer
	for _, v := range []int{len(names), 0, 0, size, 0, 0, 0, size + len(text)} {
		head = word(head, v)
	}
	return bytes.Join([][]byte{head, text, pairs, infos}, nil)
}

func TestFunctionSizes_ReadsEachForm(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, pointer := range []int{4, 8} {
			for _, magic := range []uint32{0xfffffff0, 0xfffffff1} {
				sizes, covered := functionSizes(madeTable(order, pointer, magic, "main.a", "example.com/x%2ey.b", "main.c"))
				require.Equal(t, map[string]int64{"main": 32, "example.com/x.y": 16}, sizes)
				require.Equal(t, int64(48), covered)
			}
		}
	}
	for _, table := range [][]byte{nil, make([]byte, 999), madeTable(binary.LittleEndian, 8, 0xfffffffb, "main.a")} {
		sizes, covered := functionSizes(table)
		require.Empty(t, sizes)
		require.Zero(t, covered)
	}
}

// As the linker of C lays a program of -buildmode=pie out.
func TestFunctionTable_IsFoundWithoutASectionOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		table := madeTable(order, 8, magic120, "main.a", "main.b")
		data := append(madeTable(order, 8, magic120), make([]byte, 64-len(madeTable(order, 8, magic120))%8)...)
		at := len(data) - len(data)%8
		data = append(data[:at], table...)
		f := &elf.File{FileHeader: elf.FileHeader{ByteOrder: order.(binary.ByteOrder)}, Sections: []*elf.Section{{SectionHeader: elf.SectionHeader{
			Name: ".data.rel.ro", Type: elf.SHT_PROGBITS, FileSize: uint64(len(data)),
		}}}}
		require.Equal(t, table, functionTable(f, data), "a table without functions is none")
	}
}

// A file that costs debug/elf or Go's readers much more than its size is refused.
func TestNewProgram_RefusesWhatNoLinkerWrites(t *testing.T) {
	t.Parallel()
	whole := self(t)
	if elf.Class(whole[elf.EI_CLASS]) != elf.ELFCLASS64 || whole[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		t.Skip("changes headers of 64 bits in little endian")
	}
	table, names := binary.LittleEndian.Uint64(whole[40:]), binary.LittleEndian.Uint16(whole[62:])
	entry := table + 64*uint64(names)
	for name, change := range map[string]func([]byte){
		"section names that are compressed": func(d []byte) { d[entry+9] |= 0x08 },
		"section names without an end":      func(d []byte) { d[entry+36] = 1 },
		"sections without a number":         func(d []byte) { d[60], d[61] = 0, 0 },
		"too many sections":                 func(d []byte) { d[61] = 0xff },
		"sections outside of the file":      func(d []byte) { d[47] = 0x7f },
		"names in no section":               func(d []byte) { d[62], d[63] = 0xff, 0xff },
	} {
		data := bytes.Clone(whole)
		change(data)
		require.Equal(t, errMalformed.Error(), newProgram(data).Unread, name)
	}
	require.NotEmpty(t, newProgram([]byte("\x7fELF")).Unread)
	require.NotEmpty(t, newProgram(whole[:1000]).Unread)
}

func FuzzNewProgram(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add(append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 200)...))
	f.Add(append([]byte("\x7fELF\x01\x02\x01"), make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newProgram(data)
		require.Equal(t, int64(len(data)), p.Size)
	})
}

func FuzzFunctionSizes(f *testing.F) {
	f.Add(madeTable(binary.LittleEndian, 8, 0xfffffff1, "main.a", "a/b%2ec.d"))
	f.Add(madeTable(binary.BigEndian, 4, 0xfffffff0, "main.a", "type..eq.x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sizes, covered := functionSizes(data)
		var sum int64
		for _, size := range sizes {
			sum += size
		}
		require.Equal(t, covered, sum)
		require.GreaterOrEqual(t, covered, int64(0))
	})
}

func FuzzBuildInfo(f *testing.F) {
	f.Add([]byte("\xff Go buildinf:\x08\x02" + strings.Repeat("\x00", 16) + "\x08go1.26.9\x22" + strings.Repeat("m", 34)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if version, info := buildInfo(data); version != "" {
			require.NotNil(t, info)
		}
	})
}

// BenchmarkNewProgram is most of what Inspect costs.
func BenchmarkNewProgram(b *testing.B) {
	data := self(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		newProgram(data)
	}
}
