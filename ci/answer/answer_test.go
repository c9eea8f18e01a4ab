package answer_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/answer"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/gocache"
)

const key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// made is a record of a random image for two platforms.
func made(t *testing.T) (answer.Record, []v1.ImageIndex) {
	t.Helper()
	idx := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := random.Image(4096, 2)
		require.NoError(t, err)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	digest, err := idx.Digest()
	require.NoError(t, err)
	return answer.Record{Key: key, Made: time.Unix(1, 0).UTC(), Images: []answer.Image{{Name: "tide", Digest: digest.String()}}}, []v1.ImageIndex{idx}
}

func take(t *testing.T, from gocache.Store, by *sign.Trust) (answer.Record, []v1.ImageIndex, error) {
	t.Helper()
	o, err := answer.Look(t.Context(), from, key, 1<<30, by)
	if err != nil {
		return answer.Record{}, nil, err
	}
	return o.Take(t.Context(), t.TempDir())
}

func TestPut_IsTakenAsItWas(t *testing.T) {
	t.Parallel()
	store := gocache.Folder(t.TempDir())
	_, _, err := take(t, store, nil)
	require.ErrorIs(t, err, gocache.ErrNone)
	want, images := made(t)
	sent, err := answer.Put(t.Context(), store, want, images, nil)
	require.NoError(t, err)
	require.Greater(t, sent, int64(4*4096))
	again, err := answer.Put(t.Context(), store, want, images, nil)
	require.NoError(t, err)
	require.Zero(t, again)
	got, taken, err := take(t, store, nil)
	require.NoError(t, err)
	require.Equal(t, want.Images, got.Images)
	require.Equal(t, want.Made, got.Made)
	list, err := taken[0].IndexManifest()
	require.NoError(t, err)
	for _, d := range list.Manifests {
		img, err := taken[0].Image(d.Digest)
		require.NoError(t, err)
		require.NoError(t, validate.Image(img))
	}
	digest, err := taken[0].Digest()
	require.NoError(t, err)
	require.Equal(t, want.Images[0].Digest, digest.String())
}

func TestLook_WantsTheSignatureOfAKey(t *testing.T) {
	t.Parallel()
	ours, theirs := signtest.Key(t), signtest.Key(t)
	for name, c := range map[string]struct {
		by    *sign.Key
		trust *sign.Trust
		taken bool
	}{
		"ours":                      {ours, signtest.Trust(ours), true},
		"one of several":            {ours, signtest.Trust(theirs, ours), true},
		"signed, and nobody wants":  {ours, nil, true},
		"theirs":                    {theirs, signtest.Trust(ours), false},
		"unsigned":                  {nil, signtest.Trust(ours), false},
		"unsigned, and nobody asks": {nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := gocache.Folder(t.TempDir())
			want, images := made(t)
			_, err := answer.Put(t.Context(), store, want, images, c.by)
			require.NoError(t, err)
			_, _, err = take(t, store, c.trust)
			require.Equal(t, !c.taken, errors.Is(err, gocache.ErrUntrusted), "%v", err)
			_, err = answer.Put(t.Context(), store, want, images, ours)
			require.NoError(t, err)
			_, _, err = take(t, store, signtest.Trust(ours))
			require.NoError(t, err, "who signs overwrites what others signed")
		})
	}
}

// forged is a store whose manifest somebody changed.
type forged struct {
	gocache.Store
	change func(m map[string]any)
}

func (f forged) Manifest(ctx context.Context, tag string) ([]byte, error) {
	text, err := f.Store.Manifest(ctx, tag)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	f.change(m)
	return json.Marshal(m)
}

func TestLook_RefusesWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	store := gocache.Folder(t.TempDir())
	want, images := made(t)
	_, err := answer.Put(t.Context(), store, want, images, nil)
	require.NoError(t, err)
	layer := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) }
	for name, change := range map[string]func(m map[string]any){
		"another type":         func(m map[string]any) { m["artifactType"] = gocache.ArtifactType },
		"another digest":       func(m map[string]any) { layer(m)["digest"] = "sha256:" + strings.Repeat("a", 64) },
		"a digest that climbs": func(m map[string]any) { layer(m)["digest"] = "../../../etc:passwd" },
		"a negative size":      func(m map[string]any) { layer(m)["size"] = -1 },
		"a size beyond limits": func(m map[string]any) { layer(m)["size"] = int64(math.MaxInt64) },
		"another size":         func(m map[string]any) { layer(m)["size"] = 1 },
		"a layer less":         func(m map[string]any) { m["layers"] = m["layers"].([]any)[1:] },
		"no configuration":     func(m map[string]any) { delete(m, "config") },
		"a layer as one":       func(m map[string]any) { m["config"].(map[string]any)["digest"] = layer(m)["digest"] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := take(t, forged{store, change}, nil)
			require.Error(t, err)
		})
	}
	_, err = answer.Look(t.Context(), store, key, 4096, nil)
	require.Error(t, err, "it is larger than the limit")
	other, _ := made(t)
	other.Key = strings.Repeat("0", 64)
	moved := forgedTag{store}
	o, err := answer.Look(t.Context(), moved, other.Key, 1<<30, nil)
	require.NoError(t, err)
	_, _, err = o.Take(t.Context(), t.TempDir())
	require.Error(t, err, "an answer for one key is none for another")
}

// forgedTag has one answer for every tag.
type forgedTag struct{ gocache.Store }

func (f forgedTag) Manifest(ctx context.Context, _ string) ([]byte, error) {
	return f.Store.Manifest(ctx, answer.Tag(key))
}

func TestHash_IsThatOfFilesInTheirPlaces(t *testing.T) {
	t.Parallel()
	tree := func(t *testing.T) string {
		dir, err := filepath.EvalSymlinks(t.TempDir())
		require.NoError(t, err)
		for name, text := range map[string]string{"a/main.go": "one", "a/.git/x": "one", "a/out/x": "one", "b/lib.go": "one", "c/other.go": "one"} {
			file := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		}
		require.NoError(t, os.Symlink("../b/lib.go", filepath.Join(dir, "a", "link.go")))
		require.NoError(t, os.Symlink("../c/other.go", filepath.Join(dir, "a", "far.go")))
		require.NoError(t, os.Symlink("../b", filepath.Join(dir, "a", "folder")))
		require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "a", "dangling")))
		return dir
	}
	hash := func(t *testing.T, dir string) answer.Files {
		f, err := answer.Hash(t.Context(), answer.Place{
			Tree: dir, Roots: []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "go.work")}, Except: []string{filepath.Join(dir, "a", "out")},
		})
		require.NoError(t, err)
		return f
	}
	want := hash(t, tree(t))
	for name, c := range map[string]struct {
		write, text string
		changed     bool
	}{
		"nothing":                {"c/new.go", "two", false},
		"git's":                  {"a/.git/x", "two", false},
		"what is left out":       {"a/out/x", "two", false},
		"a file":                 {"a/main.go", "two", true},
		"a file of another root": {"b/lib.go", "two", true},
		"a file behind a link":   {"c/other.go", "two", true},
		"what a link waits for":  {"a/nowhere", "two", true},
		"a root that comes":      {"go.work", "two", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t)
			require.Equal(t, want.Hash, hash(t, dir).Hash)
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(c.write)), []byte(c.text), 0o644))
			require.Equal(t, c.changed, want.Hash != hash(t, dir).Hash)
		})
	}
	dir := tree(t)
	files := hash(t, dir)
	for name, covered := range map[string]bool{"a/main.go": true, "a/link.go": true, "a/folder/lib.go": true, "a/out/x": false, "a/.git/x": false, "c/other.go": false, "a/new.go": false} {
		require.Equal(t, covered, files.Covers(filepath.Join(dir, filepath.FromSlash(name))), name)
	}
	require.NoError(t, os.Symlink("../c", filepath.Join(dir, "a", "away")))
	_, err := answer.Hash(t.Context(), answer.Place{Tree: dir, Roots: []string{filepath.Join(dir, "a")}})
	require.ErrorIs(t, err, answer.ErrUncertain)
}

func TestProgram_IsThatOfTheFile(t *testing.T) {
	t.Parallel()
	one, err := answer.Program()
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{64}$", one)
	text, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	sum, _, err := v1.SHA256(strings.NewReader(string(text)))
	require.NoError(t, err)
	require.Equal(t, sum.Hex, one)
}
