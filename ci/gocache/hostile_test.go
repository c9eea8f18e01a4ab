package gocache_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/gocache"
)

// Every layer of the cache is broken in turn; the others still come.
func TestRestore_TakesWhatIsNotWholeForMissing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func([]byte) []byte{
		"changed":   func(text []byte) []byte { text[len(text)/2] ^= 1; return text },
		"truncated": func(text []byte) []byte { return text[:len(text)/2] },
		"longer":    func(text []byte) []byte { return append(text, 0) },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store := gocache.Folder(dir)
			_, err := gocache.Save(t.Context(), store, key, caches(t, texts(20)...), gocache.How{Limit: limit})
			require.NoError(t, err)
			for _, d := range layers(t, store) {
				file := filepath.Join(dir, "blobs", "sha256", d.Digest.Hex)
				whole, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, spoil(bytes.Clone(whole)), 0o644))
				done, err := gocache.Restore(t.Context(), store, key, into(t))
				require.NoError(t, err)
				require.Equal(t, int64(1), done.Lost)
				require.Equal(t, d.Annotations["vnd.slipway.gocache.part"] == "modules", done.Modules == "")
				saved, err := gocache.Save(t.Context(), store, key, caches(t, texts(20)...), gocache.How{Limit: limit, Renew: true})
				require.NoError(t, err)
				require.Equal(t, d.Size, saved.Sent, "it is mended")
				mended, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, whole, mended)
			}
		})
	}
}

func layers(t *testing.T, store gocache.Store) []v1.Descriptor {
	t.Helper()
	text, err := store.Manifest(t.Context(), key.Tag())
	require.NoError(t, err)
	var m v1.Manifest
	require.NoError(t, json.Unmarshal(text, &m))
	return m.Layers
}

// hostile is a cache with one layer, consistent in itself.
func hostile(t *testing.T, part gocache.Part, entries ...tar.Header) gocache.Store {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, h := range entries {
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(make([]byte, h.Size))
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(w.Close(), z.Close()))
	store := gocache.Folder(t.TempDir())
	config, err := json.Marshal(key)
	require.NoError(t, err)
	blob := func(media string, text []byte) map[string]any {
		digest, size, err := v1.SHA256(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, store.Write(t.Context(), v1.Descriptor{Digest: digest, Size: size}, gocache.Text(text)))
		return map[string]any{
			"mediaType": media, "digest": digest.String(), "size": size, "annotations": map[string]string{"vnd.slipway.gocache.part": string(part)},
		}
	}
	text, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": gocache.ArtifactType,
		"config": blob("application/vnd.slipway.gocache.config.v1+json", config), "layers": []any{blob("application/vnd.oci.image.layer.v1.tar+zstd", out.Bytes())},
	})
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), key.Tag(), text))
	return store
}

func TestRestore_WritesNothingElsewhere(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("ab", 32)
	file := func(name string) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 3, Mode: 0o644}
	}
	for name, c := range map[string]struct {
		part  gocache.Part
		entry tar.Header
	}{
		"up":                 {gocache.Objects, file("../" + sum + "-d")},
		"absolute":           {gocache.Objects, file("/tmp/" + sum + "-d")},
		"another folder":     {gocache.Objects, file("cd/" + sum + "-d")},
		"another kind":       {gocache.Objects, file("ab/" + sum + "-x")},
		"no hash":            {gocache.Objects, file("ab/" + strings.Repeat("zz", 32) + "-d")},
		"trim.txt":           {gocache.Objects, file("trim.txt")},
		"a folder":           {gocache.Objects, tar.Header{Typeflag: tar.TypeDir, Name: "ab/" + sum + "-d/", Mode: 0o755}},
		"a link":             {gocache.Objects, tar.Header{Typeflag: tar.TypeSymlink, Name: "ab/" + sum + "-d", Linkname: "/etc/passwd"}},
		"a hard link":        {gocache.Objects, tar.Header{Typeflag: tar.TypeLink, Name: "ab/" + sum + "-d", Linkname: "/etc/passwd"}},
		"module up":          {gocache.Modules, file("example.com/dep@v1.0.0/../../../x")},
		"module absolute":    {gocache.Modules, file("/x@v1.0.0/x")},
		"module backslash":   {gocache.Modules, file(`x@v1.0.0\..\..\x`)},
		"module link":        {gocache.Modules, tar.Header{Typeflag: tar.TypeSymlink, Name: "x@v1.0.0", Linkname: "/tmp"}},
		"module folder up":   {gocache.Modules, tar.Header{Typeflag: tar.TypeDir, Name: "../x@v1.0.0/", Mode: 0o755}},
		"module lock":        {gocache.Modules, file("cache/lock")},
		"module partial":     {gocache.Modules, file("cache/download/x/@v/v1.0.0.partial")},
		"module zip":         {gocache.Modules, file("cache/download/x/@v/v1.0.0.zip")},
		"no module":          {gocache.Modules, file("x")},
		"another part":       {"toolchain", file("bin/go")},
		"another part's":     {gocache.Modules, file("ab/" + sum + "-d")},
		"a name without end": {gocache.Modules, file("x@v1.0.0/" + strings.Repeat("y", 2000))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := into(t)
			done, err := gocache.Restore(t.Context(), hostile(t, c.part, c.entry), key, to)
			require.NoError(t, err)
			require.Empty(t, done.Modules)
			require.NoError(t, filepath.WalkDir(filepath.Dir(to.Objects), func(path string, d fs.DirEntry, err error) error {
				require.True(t, err == nil && d.IsDir(), path)
				return err
			}))
		})
	}
}

func TestRestore_RefusesWhatIsNoCache(t *testing.T) {
	t.Parallel()
	layer := `{"mediaType":"x","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1}`
	config := `"config":{"mediaType":"application/vnd.slipway.gocache.config.v1+json","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1}`
	for name, text := range map[string]string{
		"no JSON":        `{`,
		"another type":   `{"artifactType":"application/vnd.example",` + config + `}`,
		"many layers":    `{"artifactType":"` + gocache.ArtifactType + `",` + config + `,"layers":[` + strings.Repeat(layer+",", 2000) + layer + `]}`,
		"a large layer":  `{"artifactType":"` + gocache.ArtifactType + `",` + config + `,"layers":[` + strings.Replace(layer, `"size":1`, `"size":9000000000`, 1) + `]}`,
		"below nothing":  `{"artifactType":"` + gocache.ArtifactType + `",` + config + `,"layers":[` + strings.Replace(layer, `"size":1`, `"size":-1`, 1) + `]}`,
		"another digest": `{"artifactType":"` + gocache.ArtifactType + `",` + config + `,"layers":[` + strings.Replace(layer, "sha256:aa", "sha512:aa", 1) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := into(t)
			_, err := gocache.Restore(t.Context(), fixed{gocache.Folder(t.TempDir()), text}, key, to)
			require.Error(t, err)
			require.NoDirExists(t, to.Objects)
		})
	}
}

// fixed is a store with one manifest.
type fixed struct {
	gocache.Store
	text string
}

func (f fixed) Manifest(context.Context, string) ([]byte, error) { return []byte(f.text), nil }
