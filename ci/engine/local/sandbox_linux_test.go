package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
)

// Homes are hidden, what tests need comes back at its own place, outer folders first.
func TestView_HidesHomesAndBringsBackWhatTestsNeed(t *testing.T) {
	t.Parallel()
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Chmod(filepath.Dir(top), 0o755))
	at := func(name string) string { return filepath.Join(top, name) }
	for _, dir := range []string{"home/src/.git", "home/modules/toolchain", "home/cache", "shut/temp", "elsewhere"} {
		require.NoError(t, os.MkdirAll(at(dir), 0o755))
	}
	require.NoError(t, os.Chmod(at("shut"), 0o700))
	require.NoError(t, os.Symlink(at("elsewhere"), at("home/link")))
	e := New(Options{Cache: at("home/cache"), Env: []string{"HOME=" + at("home"), "DOCKER_CONFIG=relative", "RUNNER_TEMP=/", "XDG_CONFIG_HOME=" + at("absent")}})
	e.goCommand.Source = engine.Source{TreeRoot: at("home/src")}
	e.root, e.goCommand.Modules = at("home/modules/toolchain"), at("home/link")
	b := &sandbox{e: e, dir: at("shut/temp"), cache: at("home/cache")}
	var ours []mount
	for _, m := range b.view() {
		if rel, err := filepath.Rel(top, m.path); err == nil && filepath.IsLocal(rel) {
			ours = append(ours, m)
		}
	}
	require.Equal(t, []mount{
		{path: at("elsewhere"), from: at("elsewhere")},
		{path: at("home")},
		{path: at("home/cache"), from: at("home/cache"), writable: true},
		{path: at("home/link"), from: at("elsewhere")},
		{path: at("home/modules/toolchain"), from: at("home/modules/toolchain")},
		{path: at("home/src"), from: at("home/src")},
		{path: at("home/src/.git")},
		{path: at("shut")},
		{path: at("shut/temp"), from: at("shut/temp"), writable: true},
	}, ours)
}
