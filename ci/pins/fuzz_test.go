package pins_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
)

// FuzzRead shows that no Dockerfile brings Read down, that every error is one for
// the user, and that whatever is read is pinned.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "FROM a", pins.Mark,
		pins.Mark + "\nFROM " + golang + " AS build\nFROM " + static + "\n",
		"# syntax=a\n# escape=`\n" + pins.Mark + "\nFROM `\n" + golang + "\nFROM scratch",
		pins.Mark + "\nFROM " + golang + "\nRUN <<A <<-'B' <<\"C\"\nA\n\tB\nC\nFROM build",
		pins.Mark + "\nONBUILD COPY <<A /\nA\nFROM --platform=$X a@b AS \\\n# c\n\nz",
		pins.Mark + "\nHEALTHCHECK --interval=\"1s NONE\nENV a=b c='\nLABEL x\nSHELL [\"a\"]\nFROM",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "Dockerfile")
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, head := range []string{"", pins.Mark + "\n"} {
			require.NoError(t, os.WriteFile(path, append([]byte(head), text...), 0o600))
			requireJudged(t, filepath.Dir(path))
		}
	})
}

func requireJudged(t *testing.T, dir string) {
	t.Helper()
	got, err := pins.Read(dir)
	if err != nil {
		found, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok)
		require.Equal(t, fault.Usage, found.Kind)
		require.NotEmpty(t, found.Fix)
		return
	}
	requirePinned(t, got.Builder)
	if got.Base.Name != pins.Scratch || got.Base.Digest != "" {
		requirePinned(t, got.Base)
	}
	require.Equal(t, got.From == pins.Embedded, len(got.Notes) == 1)
}

func requirePinned(t *testing.T, p plan.Pin) {
	t.Helper()
	again, err := plan.ParsePin(p.String())
	require.NoError(t, err)
	require.Equal(t, p, again)
}
