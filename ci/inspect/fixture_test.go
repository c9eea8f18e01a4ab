package inspect_test

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"path"
	"path/filepath"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/layer"
)

// noon is when the certificates of the builtin base are valid.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// spec is an image that a test changes before it is made.
type spec struct {
	program  []byte
	above    []v1.Layer // on top of base and program
	config   v1.Config
	platform v1.Platform
	listed   *v1.Platform
	options  inspect.Options
	policy   inspect.Policy
	// configure changes the rest of the configuration, and the annotations are those of
	// the manifest, of its entry in the index and of the index.
	configure                    func(*v1.ConfigFile)
	onManifest, onEntry, onIndex map[string]string
}

// base is the layer of the builtin base, compressed once for all tests.
var base = sync.OnceValues(func() (v1.Layer, error) {
	files, err := builtin.Files()
	if err != nil {
		return nil, err
	}
	return layer.New(files, time.Unix(0, 0))
})

// clean is an image as Slipway makes it.
func clean(t *testing.T) *spec {
	t.Helper()
	return &spec{
		program: program(elf.EM_X86_64, ""),
		config: v1.Config{
			User: "65532:65532", Entrypoint: []string{"/app/server"}, WorkingDir: "/home/nonroot",
			Env:          []string{"PATH=/usr/bin:/bin", "TOKEN=hidden"},
			ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Labels: map[string]string{"team": "harbour"},
		},
		platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		listed:   &v1.Platform{OS: "linux", Architecture: "amd64"},
		options:  inspect.Options{Now: noon},
	}
}

func (s *spec) image(t *testing.T) v1.Image {
	t.Helper()
	base, err := base()
	require.NoError(t, err)
	own, err := layer.New([]layer.File{
		{Path: "app", Mode: fs.ModeDir | 0o755}, {Path: "app/server", Mode: 0o755, Data: s.program},
	}, time.Unix(0, 0))
	require.NoError(t, err)
	adds := []mutate.Addendum{
		{Layer: base, MediaType: types.OCILayer, History: v1.History{CreatedBy: "base"}},
		{Layer: own, MediaType: types.OCILayer, History: v1.History{CreatedBy: "program"}},
		{History: v1.History{CreatedBy: "USER", EmptyLayer: true}},
	}
	for _, l := range s.above {
		adds = append(adds, mutate.Addendum{Layer: l, MediaType: types.OCILayer, History: v1.History{CreatedBy: "above"}})
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, adds...)
	require.NoError(t, err)
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Variant, cfg.Config = s.platform.OS, s.platform.Architecture, s.platform.Variant, s.config
	if s.configure != nil {
		s.configure(cfg)
	}
	img, err = mutate.ConfigFile(img, cfg)
	require.NoError(t, err)
	return annotated(img, s.onManifest).(v1.Image)
}

func annotated(part partial.WithRawManifest, said map[string]string) partial.WithRawManifest {
	if said == nil {
		return part
	}
	return mutate.Annotations(part, said)
}

func (s *spec) index(t *testing.T) v1.ImageIndex {
	t.Helper()
	idx := indexOf(mutate.IndexAddendum{Add: s.image(t), Descriptor: v1.Descriptor{Platform: s.listed, Annotations: s.onEntry}})
	return annotated(idx, s.onIndex).(v1.ImageIndex)
}

func indexOf(adds ...mutate.IndexAddendum) v1.ImageIndex {
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), adds...)
}

func (s *spec) report(t *testing.T) *inspect.Report {
	t.Helper()
	source, err := inspect.OfIndex(s.index(t), s.options)
	require.NoError(t, err)
	r, err := source.Inspect(t.Context())
	require.NoError(t, err)
	return r
}

// add puts a layer of tar entries on top. Those without a type are regular files
// whose content is in Linkname's place of bodies.
func (s *spec) add(t *testing.T, entries ...entry) {
	t.Helper()
	s.above = append(s.above, static.NewLayer(tarOf(t, entries...), types.OCIUncompressedLayer))
}

// entry is a file of a tar.
type entry struct {
	tar.Header
	body string
}

func file(name string, mode int64, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, body}
}

func dir(name string, mode int64) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}}
}

func link(name, target string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

func hardLink(name, target string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}}
}

func tarOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		h.Size = int64(len(e.body))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(e.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// program is the smallest ELF file that a rule can be tried on: headers, and with
// an interpreter what a dynamic program has.
func program(machine elf.Machine, interpreter string, libraries ...string) []byte {
	const header, segment = 64, 56
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	names := append([]byte{0}, interpreter+"\x00"...)
	var dynamic []uint64
	for _, l := range libraries {
		dynamic = append(dynamic, uint64(elf.DT_NEEDED), uint64(len(names)))
		names = append(names, l+"\x00"...)
	}
	const start, at = 0x400000, header + 3*segment
	dynamic = append(dynamic, uint64(elf.DT_STRTAB), start+at, 0, 0)
	table := uint64(at + len(names))
	total := table + uint64(8*len(dynamic))
	count := uint16(1)
	if interpreter != "" {
		count = 3
	}
	put([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9), uint16(elf.ET_EXEC), machine, uint32(1),
		uint64(start+at), uint64(header), uint64(0), uint32(0), uint16(header), uint16(segment), count, uint16(0), uint16(0), uint16(0))
	for _, p := range []struct {
		kind      elf.ProgType
		off, size uint64
	}{{elf.PT_LOAD, 0, total}, {elf.PT_INTERP, at + 1, uint64(len(interpreter) + 1)}, {elf.PT_DYNAMIC, table, uint64(8 * len(dynamic))}} {
		put(uint32(p.kind), uint32(5), p.off, start+p.off, start+p.off, p.size, p.size, uint64(1))
	}
	put(names, dynamic)
	return b.Bytes()
}

// inLayout writes an index as an OCI layout.
func inLayout(t *testing.T, idx v1.ImageIndex) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "image")
	l, err := layout.Write(folder, empty.Index)
	require.NoError(t, err)
	require.NoError(t, l.AppendIndex(idx))
	return folder
}

func open(t *testing.T, ref string, o inspect.Options) (*inspect.Report, error) {
	t.Helper()
	return openIn(t.Context(), ref, o)
}

func openIn(ctx context.Context, ref string, o inspect.Options) (*inspect.Report, error) {
	source, err := inspect.Open(ctx, ref, o)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return source.Inspect(ctx)
}

func ids(found []inspect.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.ID)
	}
	return all
}

// blob is where a layout keeps a blob.
func blob(folder string, h v1.Hash) string { return path.Join(folder, "blobs", h.Algorithm, h.Hex) }
