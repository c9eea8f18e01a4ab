package inspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/inspect"
)

// Layers that no image should have. Each ends in one sentence, in little time.
func TestInspect_StopsAtHostileLayers(t *testing.T) {
	t.Parallel()
	// A megabyte in a kilobyte, and limits to match.
	limits := inspect.Limits{Unpacked: 3 << 20, Entries: 2000, Names: 100 << 10, Kept: 2 << 20}
	zeros := strings.Repeat("\x00", 4<<20)
	long := strings.Repeat("n", 300)
	for _, c := range []struct {
		name, says string
		layer      func(*testing.T) []byte
	}{
		{"a file that unpacks to too much", "layer 3 of 3: it unpacks to more than 3.1 MB", func(t *testing.T) []byte {
			return zipped(t, tarOf(t, file("zeros", 0o644, zeros)))
		}},
		{"a program that unpacks to too much", "it unpacks to more than 3.1 MB", func(t *testing.T) []byte {
			return zipped(t, tarOf(t, file("zeros", 0o755, "\x7fELF"+zeros)))
		}},
		{"padding without an end", "it unpacks to more than 3.1 MB", func(t *testing.T) []byte {
			return zipped(t, append(tarOf(t), zeros...))
		}},
		{"too much in zstd", "it unpacks to more than 3.1 MB", func(t *testing.T) []byte {
			zip, err := zstd.NewWriter(nil)
			require.NoError(t, err)
			return zip.EncodeAll(tarOf(t, file("zeros", 0o644, zeros)), nil)
		}},
		{"entries without an end", "it has more than 2000 files", func(t *testing.T) []byte { return tarOf(t, many(2001, "f%d")...) }},
		{"folders that nobody wrote", "it has more than 2000 files", func(t *testing.T) []byte {
			return tarOf(t, many(200, "%d"+strings.Repeat("/d", 20))...)
		}},
		{"long names", "it has file names of more than 102 kB", func(t *testing.T) []byte {
			return tarOf(t, many(800, "%d"+long[:200])...)
		}},
		{"a name that Linux does not allow", "file name of 300 bytes", func(t *testing.T) []byte { return tarOf(t, file(long, 0o644, "")) }},
		{"a path that Linux does not allow", "path of 4502 bytes", func(t *testing.T) []byte {
			return tarOf(t, file(strings.Repeat("d/", 2250)+"dd", 0o644, ""))
		}},
		{"folders in each other", "more than 1024 folders in each other", func(t *testing.T) []byte {
			return tarOf(t, dir(strings.Repeat("d/", 700), 0o755), link("l", strings.Repeat("d/", 700)), dir("l/"+strings.Repeat("d/", 700), 0o755))
		}},
		{"a folder behind a loop of links", `"/a/c" cannot be unpacked: too many symbolic links`, func(t *testing.T) []byte {
			return tarOf(t, link("a", "b"), link("b", "a"), file("a/c", 0o644, ""))
		}},
		{"links that double", "too many symbolic links", func(t *testing.T) []byte {
			entries := []entry{dir("x", 0o755), link("l0", "x")}
			for i := range 60 {
				entries = append(entries, link(fmt.Sprintf("l%d", i+1), strings.Repeat(fmt.Sprintf("l%d/../", i), 2)))
			}
			return tarOf(t, append(entries, file("l60/f", 0o644, ""))...)
		}},
		{"a hard link to nothing", "hard link", func(t *testing.T) []byte { return tarOf(t, hardLink("a", "../../etc/shadow")) }},
		{"a hard link to a folder", "hard link", func(t *testing.T) []byte { return tarOf(t, hardLink("a", "etc")) }},
		{"a tar that is none", "its tar is damaged", func(*testing.T) []byte { return []byte(strings.Repeat("x", 2048)) }},
		{"a tar cut short", "its tar is damaged", func(t *testing.T) []byte { return tarOf(t, file("f", 0o644, zeros[:5000]))[:2000] }},
		{"gzip that is none", "its gzip stream is damaged", func(*testing.T) []byte { return []byte("\x1f\x8b\x00\x00") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := clean(t)
			s.options.Limits = limits
			s.above = []v1.Layer{static.NewLayer(c.layer(t), types.OCILayer)}
			source, err := inspect.OfIndex(s.index(t), s.options)
			require.NoError(t, err)
			_, err = source.Inspect(t.Context())
			requireFault(t, err, fault.Unjudged, c.says)
		})
	}
}

// Names that would leave the root anywhere else stay in it, and nothing of an image
// reaches this machine.
func TestInspect_TakesNamesFromTheRoot(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.add(t, dir("bin", 0o755), file("../../../bin/sh", 0o755, "x"), link("etc/up", "../../../../../bin"), file("/etc/up/bash", 0o755, "x"),
		link("usr/bin", "/../../bin"))
	found := inspect.Judge(s.report(t), s.policy)
	require.Equal(t, []string{"shell"}, ids(found))
	require.Equal(t, []string{"/bin/sh", "/bin/bash"}, found[0].Paths)
	host, err := filepath.Abs("fixture_test.go")
	require.NoError(t, err)
	s = clean(t)
	s.add(t, link("app/up", host))
	s.config.Entrypoint = []string{"/app/up"}
	require.Equal(t, []string{"entrypoint-missing"}, ids(inspect.Judge(s.report(t), s.policy)), "a file of this machine is not in the image")
}

// A sparse file is not read: its holes cost nothing in the tar.
func TestInspect_DoesNotReadHoles(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.above = []v1.Layer{static.NewLayer(sparse("usr/share/zoneinfo/UTC"), types.OCIUncompressedLayer)}
	require.Equal(t, []string{"zoneinfo-invalid", "leak/unread"}, ids(inspect.Judge(s.report(t), s.policy)))
}

// sparse is a tar of one file that has nothing but a hole.
func sparse(name string) []byte {
	// The writer of Go makes no sparse files: this is GNU tar's header of one.
	h := make([]byte, 512+1024)
	for at, text := range map[int]string{
		0: name, 100: "0000755", 108: "0000000", 116: "0000000", 124: "00000000000", 136: "00000000000",
		148: "        ", 156: "S", 257: "ustar  ", 386: "00000000000", 398: "00000000000", 483: "77777777777",
	} {
		copy(h[at:], text)
	}
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00", sum))
	return h
}

// Wrong bytes are told as such, with both digests, whatever they make of the rest.
func TestInspect_ChecksEveryDigest(t *testing.T) {
	t.Parallel()
	s := clean(t)
	img := s.image(t)
	m, err := img.Manifest()
	require.NoError(t, err)
	digest, err := img.Digest()
	require.NoError(t, err)
	flip := func(data []byte) []byte { data[len(data)/2] ^= 1; return data }
	for _, c := range []struct {
		what   string
		blob   v1.Hash
		change func([]byte) []byte
	}{
		{"manifest", digest, flip},
		{"configuration", m.Config.Digest, flip},
		{"layer", m.Layers[0].Digest, flip},
		{"layer", m.Layers[1].Digest, func(data []byte) []byte { return data[:len(data)-1] }},
		{"layer", m.Layers[1].Digest, func(data []byte) []byte { return append(data, 0) }},
		{"layer", m.Layers[1].Digest, func([]byte) []byte { return nil }},
		{"layer", m.Layers[1].Digest, func([]byte) []byte { return []byte("not gzip") }},
	} {
		folder := inLayout(t, s.index(t))
		place := blob(folder, c.blob)
		data, err := os.ReadFile(place)
		require.NoError(t, err)
		data = c.change(data)
		require.NoError(t, os.WriteFile(place, data, 0o600))
		got, err := static.NewLayer(data, types.OCILayer).Digest()
		require.NoError(t, err)
		for _, ref := range []string{folder, archived(t, folder)} {
			_, err = open(t, ref, s.options)
			requireFault(t, err, fault.Unjudged, c.what, got.String(), c.blob.String())
		}
	}
	folder := inLayout(t, s.index(t))
	require.NoError(t, os.Remove(blob(folder, m.Layers[1].Digest)))
	_, err = open(t, folder, s.options)
	requireFault(t, err, fault.Unjudged, m.Layers[1].Digest.Hex)
}

// A layer whose compressed bytes are right may still not be what the configuration
// says: docker goes by the one, containerd by the other.
func TestInspect_ChecksWhatALayerUnpacksTo(t *testing.T) {
	t.Parallel()
	s := clean(t)
	one, other := tarOf(t, file("a", 0o644, "a")), tarOf(t, file("a", 0o644, "b"))
	s.above = []v1.Layer{unpacking{static.NewLayer(one, types.OCILayer), static.NewLayer(other, types.OCILayer)}}
	source, err := inspect.OfIndex(s.index(t), s.options)
	require.NoError(t, err)
	_, err = source.Inspect(t.Context())
	want, err2 := s.above[0].DiffID()
	require.NoError(t, err2)
	requireFault(t, err, fault.Unjudged, "unpacked layer", want.String())

	config := configFor(t, one)
	place := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, os.WriteFile(place, tarOf(t, file("l.tar", 0o644, string(other)), file("c.json", 0o644, config),
		file("manifest.json", 0o644, `[{"Config":"c.json","Layers":["l.tar"]}]`)), 0o600))
	_, err = open(t, place, s.options)
	requireFault(t, err, fault.Unjudged, "unpacked layer")
	hex := strings.Repeat("0", 64)
	require.NoError(t, os.WriteFile(place, tarOf(t, file(hex+".json", 0o644, config),
		file("manifest.json", 0o644, `[{"Config":"`+hex+`.json","Layers":[]}]`)), 0o600))
	_, err = open(t, place, s.options)
	requireFault(t, err, fault.Unjudged, "configuration sha256:"+hex)
}

// Manifests that no image should have.
func TestOpen_StopsAtHostileManifests(t *testing.T) {
	t.Parallel()
	const image = "application/vnd.oci.image.manifest.v1+json"
	for _, c := range []struct {
		name, says string
		manifest   func(put func(any) v1.Descriptor) any
	}{
		{"too large", "it has a manifest of more than 4.2 MB", func(func(any) v1.Descriptor) any { return strings.Repeat("x", 5<<20) }},
		{"no JSON", "its manifest is not one", func(func(any) v1.Descriptor) any { return json.RawMessage(`[1]`) }},
		{"schema 1", "schema version 1", func(func(any) v1.Descriptor) any { return map[string]any{"schemaVersion": 1} }},
		{"neither", "neither an image nor an index", func(func(any) v1.Descriptor) any { return map[string]any{"schemaVersion": 2} }},
		{"both at once", "an image and an index at once", func(put func(any) v1.Descriptor) any {
			return map[string]any{"schemaVersion": 2, "manifests": []any{}, "config": put(1), "layers": []any{}}
		}},
		{"another artifact", `holds a configuration of type "text/plain"`, func(put func(any) v1.Descriptor) any {
			d := put(1)
			d.MediaType = "text/plain"
			return map[string]any{"schemaVersion": 2, "config": d, "layers": []any{}}
		}},
		{"another digest", `by "sha512:`, func(func(any) v1.Descriptor) any {
			d := v1.Descriptor{MediaType: image, Digest: v1.Hash{Algorithm: "sha512", Hex: strings.Repeat("0", 128)}}
			return map[string]any{"schemaVersion": 2, "manifests": []any{d}}
		}},
		{"a large configuration", "it has a configuration of more than 8.4 MB", func(put func(any) v1.Descriptor) any {
			return map[string]any{"schemaVersion": 2, "config": put(strings.Repeat("x", 9<<20)), "layers": []any{}}
		}},
		{"a configuration for other layers", "lists 0 layers and its configuration 1", func(put func(any) v1.Descriptor) any {
			return map[string]any{"schemaVersion": 2, "config": put(map[string]any{"rootfs": map[string]any{"diff_ids": []string{"sha256:" + strings.Repeat("0", 64)}}}), "layers": []any{}}
		}},
		{"indexes in each other", "more than 4 indexes in each other", func(put func(any) v1.Descriptor) any {
			index := map[string]any{"schemaVersion": 2, "manifests": []any{}}
			for range 9 {
				d := put(index)
				d.MediaType = types.OCIImageIndex
				index = map[string]any{"schemaVersion": 2, "manifests": []any{d}}
			}
			return index
		}},
		{"indexes that multiply", "more than 512 manifests and configurations", func(put func(any) v1.Descriptor) any {
			index := map[string]any{"schemaVersion": 2, "manifests": []any{}}
			for range 3 {
				d := put(index)
				d.MediaType = types.OCIImageIndex
				var list []any
				for range 100 {
					list = append(list, d)
				}
				index = map[string]any{"schemaVersion": 2, "manifests": list}
			}
			return index
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			require.NoError(t, os.MkdirAll(path.Join(folder, "blobs", "sha256"), 0o755))
			put := func(document any) v1.Descriptor {
				data, err := json.Marshal(document)
				require.NoError(t, err)
				digest, err := static.NewLayer(data, types.OCILayer).Digest()
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(blob(folder, digest), data, 0o600))
				return v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digest, Size: int64(len(data))}
			}
			d := put(c.manifest(put))
			d.MediaType = image
			index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{d}})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "index.json"), index, 0o600))
			_, err = open(t, folder, inspect.Options{})
			requireFault(t, err, fault.Unjudged, c.says)
		})
	}
}

// A layout that links out of its folder shows nothing of this machine.
func TestOpen_StaysInTheLayout(t *testing.T) {
	t.Parallel()
	s := clean(t)
	folder := inLayout(t, s.index(t))
	m, err := s.image(t).Manifest()
	require.NoError(t, err)
	place := blob(folder, m.Layers[1].Digest)
	outside := filepath.Join(t.TempDir(), "layer")
	require.NoError(t, os.Rename(place, outside))
	require.NoError(t, os.Symlink(outside, place))
	_, err = open(t, folder, s.options)
	requireFault(t, err, fault.Unjudged, "escapes")
}

func TestInspect_StopsAtTooManyLayers(t *testing.T) {
	t.Parallel()
	img := empty.Image
	for range 257 {
		var err error
		img, err = mutate.AppendLayers(img, static.NewLayer(tarOf(t), types.OCIUncompressedLayer))
		require.NoError(t, err)
	}
	_, err := inspect.OfImage(img, inspect.Options{})
	requireFault(t, err, fault.Unjudged, "more than 256 layers")
}

func many(n int, name string) []entry {
	var all []entry
	for i := range n {
		all = append(all, file(fmt.Sprintf(name, i), 0o644, ""))
	}
	return all
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
