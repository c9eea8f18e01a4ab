package cache_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cache"
)

func TestCreate_LeavesTheEarlierEntryWhenItFails(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "deep", "entry")
	require.NoError(t, cache.Write(name, []byte("first")))
	broken := errors.New("disk full")
	err := cache.Create(name, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return broken
	})
	require.ErrorIs(t, err, broken)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "first", string(text))
	left, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing half-written stays")
}

func TestTrim_RemovesWhatWasUsedLongestAgo(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	for i := range 5 {
		name := filepath.Join(dir, fmt.Sprint(i), "file")
		require.NoError(t, cache.Write(name, make([]byte, 100)))
		cache.Touch(filepath.Dir(name), now.Add(time.Duration(i-10)*time.Hour))
	}
	cache.Touch(filepath.Join(dir, "0"), now)
	cache.Trim(dir, 250, now)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, d := range left {
		names = append(names, d.Name())
	}
	require.Equal(t, []string{"0", "4"}, names)
	cache.Trim(dir, 0, now)
	require.DirExists(t, filepath.Join(dir, "0"), "what was used within the hour may be in use")
	require.NoDirExists(t, filepath.Join(dir, "4"))
	cache.Trim(filepath.Join(dir, "absent"), 0, now)
}
