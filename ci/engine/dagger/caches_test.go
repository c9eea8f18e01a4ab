package dagger

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
)

// packed is an archive of entries that have one byte each, links lead to /etc/passwd.
func packed(t *testing.T, entries ...tar.Header) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range entries {
		if h.Typeflag == tar.TypeReg {
			h.Size, h.Mode = 1, 0o600
		} else {
			h.Linkname = "/etc/passwd"
		}
		require.NoError(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := w.Write([]byte("x"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return &out
}

func TestUnpack_WritesFilesOfItsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, unpack(packed(t, tar.Header{Typeflag: tar.TypeReg, Name: "./ab/one-d"}, tar.Header{Typeflag: tar.TypeReg, Name: "ab/two-d"}), root))
	for _, name := range []string{"one-d", "two-d"} {
		text, err := os.ReadFile(filepath.Join(dir, "ab", name))
		require.NoError(t, err)
		require.Equal(t, "x", string(text))
	}
}

func TestUnpack_WritesNothingElsewhere(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]tar.Header{
		"up":         {{Typeflag: tar.TypeReg, Name: "../x"}},
		"up inside":  {{Typeflag: tar.TypeReg, Name: "ab/../../x"}},
		"absolute":   {{Typeflag: tar.TypeReg, Name: "/x"}},
		"a link":     {{Typeflag: tar.TypeSymlink, Name: "ab"}},
		"a hardlink": {{Typeflag: tar.TypeLink, Name: "ab"}},
		"a device":   {{Typeflag: tar.TypeChar, Name: "ab"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			dir := filepath.Join(top, "in")
			require.NoError(t, os.Mkdir(dir, 0o755))
			root, err := os.OpenRoot(dir)
			require.NoError(t, err)
			defer root.Close()
			require.Error(t, unpack(packed(t, entries...), root))
			require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
				require.True(t, err == nil && d.IsDir(), path)
				return err
			}))
		})
	}
}

// What is copied in arrives as it is here, also folders without files and long names, and
// was changed when the caller says.
func TestPack_HasAllOfAFolder(t *testing.T) {
	t.Parallel()
	from, old := t.TempDir(), time.Unix(1_700_000_000, 123)
	deep := "ab/" + strings.Repeat("long/", 60) + "x-d"
	for _, name := range []string{"one-a", deep} {
		file := filepath.Join(from, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(name), 0o444))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(from, "m", "example.com", "m@v1.0.0"), 0o755))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(from, "link")))
	var archive bytes.Buffer
	require.NoError(t, pack(&archive, from, old))
	tool, err := exec.LookPath("tar")
	require.NoError(t, err)
	to := t.TempDir()
	cmd := exec.CommandContext(t.Context(), tool, "-x", "-C", to)
	cmd.Stdin = &archive
	require.NoError(t, cmd.Run())
	for _, name := range []string{"one-a", deep} {
		text, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name)))
		require.NoError(t, err)
		require.Equal(t, name, string(text))
		info, err := os.Stat(filepath.Join(to, filepath.FromSlash(name)))
		require.NoError(t, err)
		require.Equal(t, old.Unix(), info.ModTime().Unix())
	}
	require.DirExists(t, filepath.Join(to, "m", "example.com", "m@v1.0.0"))
	require.NoFileExists(t, filepath.Join(to, "link"), "there are no links in caches")
}

// What a restored module cache answered is not what the ordinary one answers: they lie in
// other places.
func TestEngine_TellsModuleCachesApart(t *testing.T) {
	t.Parallel()
	e := New(Options{Cache: t.TempDir()})
	_, err := e.Prepare(t.Context(), engine.Source{Root: "/src/tide", TreeRoot: "/src/tide"}, engine.Builder{Release: "go1.26.9"}, nil)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, r := range []*gocmd.Restored{nil, {Dir: "/cache/modules/ab"}, {Dir: "/cache/modules/cd"}} {
		require.Equal(t, seen(r), e.from(r).Modules)
		name, err := e.answer("skeleton", r, nil, []string{"list"})
		require.NoError(t, err)
		names[name] = true
	}
	require.Len(t, names, 3)
}

func TestEngine_FallsBackToItsOwnModules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails func(*gocmd.Restored) bool
		noted bool
		kept  bool
	}{
		"they are all":       {func(*gocmd.Restored) bool { return false }, false, true},
		"more is needed":     {func(r *gocmd.Restored) bool { return r != nil }, true, false},
		"the source is poor": {func(*gocmd.Restored) bool { return true }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, noted := New(Options{}), false
			e.UseModules("/cache/modules/ab", func() { noted = true })
			err := e.modules.Try(t.Context(), func(from *gocmd.Restored) error {
				if c.fails(from) {
					return os.ErrNotExist
				}
				return nil
			})
			require.Equal(t, c.fails(nil), err != nil)
			require.Equal(t, c.noted, noted)
			require.Equal(t, c.kept, e.modules.Restored() != nil)
		})
	}
}
