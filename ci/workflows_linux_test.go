package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// The rig is for Linux alone.
func TestWorkflows_PassActionlint(t *testing.T) {
	rig.Slow(t)
	linter := rig.Tool(t, "actionlint")
	_, written := workflows(t)
	dir := t.TempDir()
	var names []string
	for name, text := range written {
		names = append(names, filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(names[len(names)-1], []byte(text), 0o644))
	}
	lint := func(dir string, files ...string) rig.Result {
		// What is on this machine's PATH must not decide.
		return rig.Run(t, dir, rig.Environ(), linter, append([]string{"-shellcheck=", "-pyflakes=", "-no-color"}, files...)...)
	}
	own, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	for i, name := range own {
		own[i] = strings.TrimPrefix(filepath.ToSlash(name), "../")
	}
	r := lint("..", own...)
	require.Zero(t, r.Code, r.Stdout+r.Stderr)
	r = lint(dir, names...)
	require.Zero(t, r.Code, r.Stdout+r.Stderr)

	bad := filepath.Join(dir, "bad.yml")
	require.NoError(t, os.WriteFile(bad, []byte("on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ github.nothing }}'}]}}\n"), 0o644))
	r = lint(dir, bad)
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stdout, "nothing")
}
