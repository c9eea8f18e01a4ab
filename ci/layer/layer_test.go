package layer_test

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/quick"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/layer"
)

func sample() []layer.File {
	return []layer.File{
		{Path: "app", Mode: fs.ModeDir | 0o755},
		{Path: "app/server", Mode: 0o755, Data: []byte(strings.Repeat("program ", 4096))},
		{Path: "app/link", Mode: fs.ModeSymlink, Link: "server"},
		{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "home/" + strings.Repeat("ü", 120), Mode: 0o644, UID: 65532, GID: 65532, Data: []byte("x")},
		{Path: "app/ping", Mode: 0o755, Data: []byte("p"), Capability: []byte{1, 0, 0, 2, 0, 0x20, 0, 0}},
	}
}

// The digests change when the tar format, the level or klauspost/compress does,
// and with them every image that was ever built: that is a release note.
func TestNew_GivesThePinnedDigest(t *testing.T) {
	t.Parallel()
	l, err := layer.New(sample(), time.Unix(1700000000, 0))
	require.NoError(t, err)
	require.NoError(t, validate.Layer(l))
	digest, err := l.Digest()
	require.NoError(t, err)
	diffID, err := l.DiffID()
	require.NoError(t, err)
	require.Equal(t, "sha256:ea4c93f08157c3db85e000b3b2aee4f9897a3c503cc72b9bd6771b9bd2f6a6ba", digest.String())
	require.Equal(t, "sha256:c6f32a1154bf414963af1f023f6002091bb5693641128701aabb5fc0004b51eb", diffID.String())
}

func TestNew_WritesExactlyTheFilesGiven(t *testing.T) {
	t.Parallel()
	l, err := layer.New(sample(), time.Unix(1700000000, 999))
	require.NoError(t, err)
	var names []string
	for _, h := range headers(t, l) {
		names = append(names, h.Name)
		require.Equal(t, int64(1700000000), h.ModTime.Unix())
		require.Zero(t, h.ModTime.Nanosecond())
		require.Empty(t, h.Uname+h.Gname)
	}
	require.Equal(t, []string{"app/", "app/server", "app/link", "tmp/", "home/" + strings.Repeat("ü", 120), "app/ping"}, names)
	require.Equal(t, int64(0o1777), headers(t, l)[3].Mode)
	require.Contains(t, headers(t, l)[5].PAXRecords, "SCHILY.xattr.security.capability")
}

func TestStore_GivesTheSameLayerAsMemory(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(source, []byte("program"), 0o600))
	inMemory := []layer.File{{Path: "app/x", Mode: 0o755, Data: []byte("program")}}
	onDisk := []layer.File{{Path: "app/x", Mode: 0o755, Source: source}}
	want, err := layer.New(inMemory, time.Unix(1, 0))
	require.NoError(t, err)
	store := layer.NewStore(filepath.Join(t.TempDir(), "layers"))
	for range 2 {
		got, err := store.Layer(onDisk, time.Unix(1, 0), layer.Gzip)
		require.NoError(t, err)
		require.NoError(t, validate.Layer(got))
		require.Equal(t, digestOf(t, want), digestOf(t, got))
	}
}

func TestStore_GivesThePinnedDigestAsZstandard(t *testing.T) {
	t.Parallel()
	store := layer.NewStore(filepath.Join(t.TempDir(), "layers"))
	zipped, err := store.Layer(sample(), time.Unix(1700000000, 0), layer.Gzip)
	require.NoError(t, err)
	for range 2 {
		l, err := store.Layer(sample(), time.Unix(1700000000, 0), layer.Zstd)
		require.NoError(t, err)
		require.Equal(t, "sha256:37975fdc2e23c7967192135d4824f4a3c1bf4ce04189ff25498dc9e2fb9f2c65", digestOf(t, l).String())
		packed, err := l.Compressed()
		require.NoError(t, err)
		sum, _, err := v1.SHA256(packed)
		require.NoError(t, err)
		require.Equal(t, digestOf(t, l), sum)
		plain, err := l.Uncompressed()
		require.NoError(t, err)
		unpacked, _, err := v1.SHA256(plain)
		require.NoError(t, err)
		require.NoError(t, plain.Close())
		media, err := l.MediaType()
		require.NoError(t, err)
		require.Equal(t, types.OCILayerZStd, media)
		tar, err := zipped.DiffID()
		require.NoError(t, err)
		require.Equal(t, tar, unpacked, "the same tar")
	}
}

func TestStore_MakesALayerAgainThatWasCutShort(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layers")
	store := layer.NewStore(dir)
	first, err := store.Layer(sample(), time.Unix(1, 0), layer.Gzip)
	require.NoError(t, err)
	kept, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.NoError(t, os.Truncate(kept[0], 10))
	again, err := store.Layer(sample(), time.Unix(1, 0), layer.Gzip)
	require.NoError(t, err)
	require.NoError(t, validate.Layer(again))
	require.Equal(t, digestOf(t, first), digestOf(t, again))
}

func TestStore_LeavesNothingOfALayerThatFailed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layers")
	_, err := layer.NewStore(dir).Layer([]layer.File{{Path: "x", Source: filepath.Join(dir, "absent")}}, time.Unix(1, 0), layer.Gzip)
	require.Error(t, err)
	left, _ := os.ReadDir(dir)
	require.Empty(t, left)
}

func TestStore_TakesNoOtherBytesThanWereHashed(t *testing.T) {
	t.Parallel()
	name, dir := filepath.Join(t.TempDir(), "tide"), t.TempDir()
	require.NoError(t, os.WriteFile(name, []byte("tide"), 0o755))
	f := layer.File{Path: "app/tide", Mode: 0o755, Source: name, SHA256: strings.Repeat("a", 64)}
	_, err := layer.NewStore(dir).Layer([]layer.File{f}, time.Unix(0, 0), layer.Gzip)
	require.ErrorContains(t, err, "hash to")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestParents_NamesEachMissingFolderOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range layer.Parents([]layer.File{{Path: "a/b/c"}, {Path: "a/b/d"}, {Path: "e", Mode: fs.ModeDir}, {Path: "e/f"}, {Path: "g"}}) {
		names = append(names, f.Path)
	}
	require.Equal(t, []string{"a", "a/b"}, names)
}

// A program of several blocks, which are compressed side by side, by as many processors as
// there are, and with what earlier blocks left in a compressor.
func TestNew_GivesThePinnedDigestForManyBlocks(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	// Half of it repeats what came before it, across blocks too.
	data, random := make([]byte, 0, 4<<20), rand.NewChaCha8([32]byte{7})
	for len(data) < 4<<20 {
		at := int(random.Uint64() % uint64(len(data)+1))
		data = append(data, data[at:min(len(data), at+64)]...)
		data = binary.LittleEndian.AppendUint64(data, random.Uint64()&0x0f0f0f0f0f0f0f0f)
	}
	for i := range 12 {
		runtime.GOMAXPROCS(1 + i%6)
		l, err := layer.New([]layer.File{{Path: "app/server", Mode: 0o755, Data: data}}, time.Unix(1700000000, 0))
		require.NoError(t, err)
		require.Equal(t, "sha256:634e17e72a1d447bc6ca8bd267535932bb1e004154fab00e1efe32b02760aae8", digestOf(t, l).String())
		if i == 0 {
			require.NoError(t, validate.Layer(l))
		}
	}
}

func TestNew_DependsOnContentAlone(t *testing.T) {
	t.Parallel()
	same := func(data []byte, exec bool, seconds uint32) bool {
		mode := fs.FileMode(0o644)
		if exec {
			mode = 0o755
		}
		files := []layer.File{{Path: "f", Mode: mode, Data: data}}
		a, err := layer.New(files, time.Unix(int64(seconds), 5).UTC())
		require.NoError(t, err)
		b, err := layer.New(files, time.Unix(int64(seconds), 7).In(time.FixedZone("x", 3600)))
		require.NoError(t, err)
		return digestOf(t, a) == digestOf(t, b)
	}
	require.NoError(t, quick.Check(same, &quick.Config{MaxCount: 50}))
}

func digestOf(t *testing.T, l v1.Layer) v1.Hash {
	t.Helper()
	d, err := l.Digest()
	require.NoError(t, err)
	return d
}

func headers(t *testing.T, l v1.Layer) []*tar.Header {
	t.Helper()
	r, err := l.Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	var all []*tar.Header
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, h)
	}
}
