package gocache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/gocache"
)

// signed is a folder with a cache of two objects that a key signed, or nobody.
func signed(t *testing.T, by *sign.Key) (store gocache.Store, dir string, files []gocache.File) {
	t.Helper()
	dir = t.TempDir()
	store, files = gocache.Folder(dir), caches(t, "one", "two")
	_, err := gocache.Save(t.Context(), store, key, files, gocache.How{Limit: limit, Sign: by})
	require.NoError(t, err)
	return store, dir, files
}

// believing restores what one of the keys signed.
func believing(t *testing.T, store gocache.Store, of gocache.Key, by *sign.Trust) (gocache.Restored, error) {
	t.Helper()
	to := into(t)
	to.Trust = by
	done, err := gocache.Restore(t.Context(), store, of, to)
	if err != nil {
		require.NoDirExists(t, to.Objects)
		require.NoDirExists(t, to.Modules)
	}
	return done, err
}

func TestRestore_BelievesWhoIsTrusted(t *testing.T) {
	t.Parallel()
	ours, another := signtest.Key(t), signtest.Key(t)
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gocache.Save(t.Context(), store, key, caches(t, texts(20)...), gocache.How{Limit: limit, Sign: ours})
			require.NoError(t, err)
			for _, by := range []*sign.Trust{nil, signtest.Trust(ours), signtest.Trust(another, ours)} {
				done, err := believing(t, store, key, by)
				require.NoError(t, err)
				require.Equal(t, int64(23), done.Files)
				require.Zero(t, done.Lost)
			}
			_, err = believing(t, store, key, signtest.Trust(another))
			require.ErrorIs(t, err, gocache.ErrUntrusted)
			require.ErrorIs(t, err, sign.ErrSigner)
			_, err = believing(t, store, key, signtest.Trust())
			require.ErrorIs(t, err, gocache.ErrUntrusted)
		})
	}
}

func TestRestore_TakesNothingThatIsNotSigned(t *testing.T) {
	t.Parallel()
	store, _, _ := signed(t, nil)
	_, err := believing(t, store, key, signtest.Trust(signtest.Key(t)))
	require.ErrorIs(t, err, gocache.ErrUntrusted)
	require.ErrorContains(t, err, "it is not signed")
}

// What is signed is not taken for the cache of another build, wherever it lies.
func TestRestore_TakesNothingOfAnotherBuild(t *testing.T) {
	t.Parallel()
	ours := signtest.Key(t)
	other := key
	other.Release = "go1.26.8"
	for name, by := range map[string]*sign.Trust{"signed": signtest.Trust(ours), "unsigned": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _, _ := signed(t, ours)
			text, err := store.Manifest(t.Context(), key.Tag())
			require.NoError(t, err)
			_, err = believing(t, fixed{store, string(text)}, other, by)
			require.ErrorContains(t, err, "for another build")
		})
	}
}

// Every byte of the manifest is changed in turn. What stays believed is how a bundle is
// written around what is signed: its hint, and the case of its names.
func TestRestore_TakesNoManifestThatWasChanged(t *testing.T) {
	t.Parallel()
	ours := signtest.Key(t)
	store, _, _ := signed(t, ours)
	text, err := store.Manifest(t.Context(), key.Tag())
	require.NoError(t, err)
	bundle, _ := value(t, text, `"vnd.slipway.gocache.signature":"{`)
	payload, afterPayload := value(t, text, `payload\":\"`)
	sig, afterSig := value(t, text, `sig\":\"`)
	to := into(t)
	to.Trust = signtest.Trust(ours)
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 0x01
		if _, err := gocache.Restore(t.Context(), fixed{store, string(changed)}, key, to); err != nil {
			continue
		}
		// base64 has bits to spare at its end.
		signed := i < bundle || i >= payload && i < afterPayload-3 || i >= sig && i < afterSig-3
		require.False(t, signed, "%s", changed[max(0, i-20):i+1])
	}
}

// value is where the value of a bundle's member begins and ends.
func value(t *testing.T, text []byte, name string) (from, to int) {
	t.Helper()
	from = bytes.Index(text, []byte(name))
	require.Positive(t, from)
	from += len(name)
	to = from + bytes.IndexByte(text[from:], '\\')
	return from, to
}

// Bytes all over config and layers are changed in turn: the config makes a cache useless, a
// layer itself.
func TestRestore_TakesNoBlobThatWasChanged(t *testing.T) {
	t.Parallel()
	ours := signtest.Key(t)
	store, dir, _ := signed(t, ours)
	manifest, err := store.Manifest(t.Context(), key.Tag())
	require.NoError(t, err)
	packed := map[string]bool{}
	for _, d := range layers(t, store) {
		packed[d.Digest.Hex] = true
	}
	list, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	require.Len(t, list, len(packed)+2)
	for _, d := range list {
		name := filepath.Join(dir, "blobs", "sha256", d.Name())
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if bytes.Equal(text, manifest) {
			continue
		}
		for i := 0; i < len(text); i += 16 {
			changed := bytes.Clone(text)
			changed[i] ^= 1
			require.NoError(t, os.WriteFile(name, changed, 0o644))
			done, err := believing(t, store, key, signtest.Trust(ours))
			require.Equal(t, packed[d.Name()], err == nil, "%v", err)
			require.Equal(t, packed[d.Name()], done.Lost == 1)
		}
		require.NoError(t, os.WriteFile(name, text, 0o644))
	}
}

// Whoever can write to a store could name a layer as one of ours: a run that signs packs
// all layers itself that another key vouches for, or none.
func TestSave_SignsNoLayerOfOthers(t *testing.T) {
	t.Parallel()
	ours := signtest.Key(t)
	for name, before := range map[string]*sign.Key{"nobody's": nil, "another's": signtest.Key(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, dir, files := signed(t, before)
			evil := []byte("evil")
			digest, size, err := v1.SHA256(bytes.NewReader(evil))
			require.NoError(t, err)
			text, err := store.Manifest(t.Context(), key.Tag())
			require.NoError(t, err)
			for _, d := range layers(t, store) {
				text = bytes.ReplaceAll(text, []byte(d.Digest.Hex), []byte(digest.Hex))
			}
			require.NoError(t, store.Write(t.Context(), v1.Descriptor{Digest: digest, Size: size}, gocache.Text(evil)))
			require.NoError(t, store.Put(t.Context(), key.Tag(), text))
			saved, err := gocache.Save(t.Context(), store, key, files, gocache.How{Limit: limit, Sign: ours})
			require.NoError(t, err)
			require.Empty(t, saved.Skipped)
			require.Equal(t, saved.Size, saved.Sent)
			done, err := believing(t, store, key, signtest.Trust(ours))
			require.NoError(t, err)
			require.Zero(t, done.Lost)
			require.NoFileExists(t, filepath.Join(dir, "blobs", "sha256", digest.Hex))
			again, err := gocache.Save(t.Context(), store, key, files, gocache.How{Limit: limit, Sign: ours})
			require.NoError(t, err)
			require.Equal(t, "little is new", again.Skipped)
		})
	}
}
