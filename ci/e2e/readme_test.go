package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// What the README tells a newcomer to type is typed here, in the folders that it
// speaks of: a clone called slipway, and a service beside it.
func TestReadme_CommandsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	text, err := os.ReadFile(filepath.Join(repository(t), "README.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Your repository\n")
	require.True(t, found)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1)
	require.Len(t, blocks, 2)

	top := t.TempDir()
	checkout(t, filepath.Join(top, "slipway"))
	require.NoError(t, os.Rename(fixture(t), filepath.Join(top, "service")))
	// No registry can be reached here, so the embedded base stands in.
	env := environment(t, "SLIPWAY_MIRROR=gcr.io=127.0.0.1:1")
	for i, dir := range []string{"slipway", "service"} {
		out := rig.Must(t, filepath.Join(top, dir), env, "sh", "-e", "-c", blocks[i][1])
		require.Regexp(t, `sha256:[0-9a-f]{64}$`, out)
		require.DirExists(t, filepath.Join(top, dir, ".slipway", "tide.builtin"))
	}
}
