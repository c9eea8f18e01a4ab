package gocache_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/gocache"
	ours "example.com/slipway/ci/registry"
)

const limit = 1 << 30

var key = gocache.Key{Release: "go1.26.9", Host: "linux/amd64", Platforms: []string{"linux/amd64", "linux/arm64"}, Modules: "sha256:ab"}

// object is the name of a file of the build cache, by its content.
func object(text string) string {
	sum := sha256.Sum256([]byte(text))
	name := hex.EncodeToString(sum[:])
	return name[:2] + "/" + name + "-d"
}

// caches are files as a build uses them, in a folder of the test's.
func caches(t *testing.T, texts ...string) []gocache.File {
	t.Helper()
	dir := t.TempDir()
	var files []gocache.File
	add := func(part gocache.Part, name, group, text string) {
		path := filepath.Join(dir, string(part), filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		files = append(files, gocache.File{Part: part, Name: name, Path: path, Group: group, Size: int64(len(text))})
	}
	for i, text := range texts {
		add(gocache.Objects, object(text), fmt.Sprint("example.com/group", i), text)
	}
	add(gocache.Modules, "example.com/dep@v1.2.3/dep.go", "example.com/dep", "package dep\n")
	add(gocache.Modules, "cache/download/example.com/dep/@v/v1.2.3.mod", "example.com/dep", "module example.com/dep\n")
	return append(files, gocache.File{Part: gocache.Modules, Name: "example.com/empty@v1.0.0", Group: "example.com/empty"})
}

func texts(n int) []string {
	var all []string
	for i := range n {
		all = append(all, strings.Repeat(fmt.Sprint("object ", i, "\n"), 500))
	}
	return all
}

func into(t *testing.T) gocache.Into {
	dir := t.TempDir()
	return gocache.Into{Objects: filepath.Join(dir, "objects"), Modules: filepath.Join(dir, "modules"), Limit: limit}
}

func stores(t *testing.T) map[string]gocache.Store {
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	r, err := ours.Open(strings.TrimPrefix(server.URL, "http://")+"/team/cache", ours.Options{Push: true})
	require.NoError(t, err)
	return map[string]gocache.Store{"folder": gocache.Folder(filepath.Join(t.TempDir(), "cache")), "registry": gocache.Repository(r)}
}

func TestSave_IsRestoredAsItWas(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gocache.Restore(t.Context(), store, key, into(t))
			require.ErrorIs(t, err, gocache.ErrNone)
			saved, err := gocache.Save(t.Context(), store, key, caches(t, texts(100)...), gocache.How{Limit: limit})
			require.NoError(t, err)
			require.Empty(t, saved.Skipped)
			require.Equal(t, saved.Size, saved.Sent)
			to := into(t)
			done, err := gocache.Restore(t.Context(), store, key, to)
			require.NoError(t, err)
			require.Equal(t, int64(103), done.Files)
			require.Zero(t, done.Lost)
			for _, text := range texts(100) {
				got, err := os.ReadFile(filepath.Join(to.Objects, filepath.FromSlash(object(text))))
				require.NoError(t, err)
				require.Equal(t, text, string(got))
			}
			got, err := os.ReadFile(filepath.Join(done.Modules, "example.com", "dep@v1.2.3", "dep.go"))
			require.NoError(t, err)
			require.Equal(t, "package dep\n", string(got))
			require.DirExists(t, filepath.Join(done.Modules, "example.com", "empty@v1.0.0"))
		})
	}
}

func TestSave_SendsWhatIsNewAlone(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := texts(100)
			first, err := gocache.Save(t.Context(), store, key, caches(t, all...), gocache.How{Limit: limit})
			require.NoError(t, err)
			again, err := gocache.Save(t.Context(), store, key, caches(t, all...), gocache.How{Limit: limit})
			require.NoError(t, err)
			require.Equal(t, "little is new", again.Skipped)
			require.Zero(t, again.Sent)
			for i := range 10 {
				all[i] += "changed"
			}
			changed, err := gocache.Save(t.Context(), store, key, caches(t, all...), gocache.How{Limit: limit})
			require.NoError(t, err)
			require.Empty(t, changed.Skipped)
			require.Less(t, changed.Sent, first.Size*2/5)
			to := into(t)
			_, err = gocache.Restore(t.Context(), store, key, to)
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(to.Objects, filepath.FromSlash(object(all[0]))))
		})
	}
}

// A cache is for one go.sum, as little as changed in it.
func TestSave_FollowsGoSum(t *testing.T) {
	t.Parallel()
	store, other := gocache.Folder(t.TempDir()), key
	other.Modules = "sha256:cd"
	files := caches(t, texts(50)...)
	_, err := gocache.Save(t.Context(), store, key, files, gocache.How{Limit: limit})
	require.NoError(t, err)
	saved, err := gocache.Save(t.Context(), store, other, files, gocache.How{Limit: limit})
	require.NoError(t, err)
	require.Empty(t, saved.Skipped)
	require.Zero(t, saved.Sent)
	done, err := gocache.Restore(t.Context(), store, other, into(t))
	require.NoError(t, err)
	require.NotEmpty(t, done.Modules)
}

func TestSave_StaysBelowTheLimit(t *testing.T) {
	t.Parallel()
	store := gocache.Folder(t.TempDir())
	saved, err := gocache.Save(t.Context(), store, key, caches(t, texts(50)...), gocache.How{Limit: 100})
	require.NoError(t, err)
	require.Equal(t, "it is larger than the limit", saved.Skipped)
	_, err = gocache.Restore(t.Context(), store, key, into(t))
	require.ErrorIs(t, err, gocache.ErrNone)
	_, err = gocache.Save(t.Context(), store, key, caches(t, texts(50)...), gocache.How{Limit: limit})
	require.NoError(t, err)
	to := into(t)
	to.Limit = 100
	_, err = gocache.Restore(t.Context(), store, key, to)
	require.ErrorContains(t, err, "more than the limit")
	require.NoDirExists(t, to.Objects)
}

func TestSave_KeepsNoBlobsThatNobodyNeeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 12 {
		of := key
		of.Release = fmt.Sprint("go1.26.", i)
		_, err := gocache.Save(t.Context(), gocache.Folder(dir), of, caches(t, fmt.Sprint("object ", i)), gocache.How{Limit: limit})
		require.NoError(t, err)
	}
	var idx v1.IndexManifest
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &idx))
	require.Len(t, idx.Manifests, 8)
	list, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	// A manifest, a config and one object each, and the modules of all of them.
	require.Len(t, list, 8*3+2)
}

func TestRestore_LeavesModulesOfAnotherGoSum(t *testing.T) {
	t.Parallel()
	store := gocache.Folder(t.TempDir())
	_, err := gocache.Save(t.Context(), store, key, caches(t, texts(3)...), gocache.How{Limit: limit})
	require.NoError(t, err)
	other, to := key, into(t)
	other.Modules = "sha256:cd"
	done, err := gocache.Restore(t.Context(), store, other, to)
	require.NoError(t, err)
	require.Empty(t, done.Modules)
	require.NoDirExists(t, to.Modules)
	require.FileExists(t, filepath.Join(to.Objects, filepath.FromSlash(object(texts(1)[0]))))
}

func TestUsed_IsWhatWasTouchedSinceTheMark(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		return path
	}
	old, touched, ancient := write(object("old")), write(object("touched")), write(object("ancient"))
	write("trim.txt")
	week := time.Now().Add(-7 * 24 * time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(ancient, week, week))
	now := time.Now()
	require.NoError(t, gocache.Mark(dir, now))
	info, err := os.Stat(ancient)
	require.NoError(t, err)
	require.True(t, info.ModTime().Equal(week), "what the go command is about to trim stays so")
	used, err := gocache.Used(dir)
	require.NoError(t, err)
	require.Empty(t, used)
	require.NoError(t, os.Chtimes(touched, now, now))
	used, err = gocache.Used(dir)
	require.NoError(t, err)
	require.Len(t, used, 1)
	require.Equal(t, touched, used[0].Path)
	require.FileExists(t, old)
	require.NoError(t, gocache.Mark(filepath.Join(dir, "nothing"), now))
}

func TestKey_IsTheSameForAnotherGoSum(t *testing.T) {
	t.Parallel()
	other := key
	other.Modules = "sha256:cd"
	require.Equal(t, key.Tag(), other.Tag())
	other.Platforms = []string{"linux/arm64", "linux/amd64"}
	require.Equal(t, key.Tag(), other.Tag())
	other.Flags = []string{"debug"}
	require.NotEqual(t, key.Tag(), other.Tag())
}
