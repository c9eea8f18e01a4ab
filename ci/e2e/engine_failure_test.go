package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// requireSameWords wants a failing compile and a failing test told in the tool's own
// lines, the same from both engines, each with its exit code.
func requireSameWords(t *testing.T, l *lab) {
	t.Helper()
	both := func(src, verb string) (ours, theirs rig.Result) {
		args := slices.Concat([]string{verb, "--src", src, "--base", "builtin", "--builder", l.images.Builder, "--platform", "linux/amd64"})
		dir := t.TempDir()
		ours = rig.Run(t, dir, environment(t), slipway(t), append(args, "--engine", "local")...)
		theirs = rig.Run(t, dir, append(l.engine.Env, "SLIPWAY_CACHE="+t.TempDir()), slipway(t), append(args, "--engine", "dagger")...)
		return ours, theirs
	}
	broken := fixture(t)
	require.NoError(t, os.WriteFile(filepath.Join(broken, "table", "table.go"), []byte("package table\n\nfunc High() string { return tide }\n"), 0o644))
	ours, theirs := both(broken, "build")
	require.Equal(t, cli.ExitSource, ours.Code, ours.Stderr)
	require.Equal(t, cli.ExitSource, theirs.Code, theirs.Stderr)
	require.Contains(t, said(ours), "  table/table.go:3:29: undefined: tide\n")
	require.Equal(t, said(ours), said(theirs))

	failing := fixture(t)
	require.NoError(t, os.WriteFile(filepath.Join(failing, "table", "table_test.go"), []byte("package table\n\nimport \"testing\"\n\nfunc TestHigh(t *testing.T) { t.Fatal(\"no water\") }\n"), 0o644))
	ours, theirs = both(failing, "test")
	require.Equal(t, cli.ExitTests, ours.Code, ours.Stderr)
	require.Equal(t, cli.ExitTests, theirs.Code, theirs.Stderr)
	require.Contains(t, said(theirs), "error: the test TestHigh fails\n")
	require.Contains(t, said(theirs), "table_test.go:5: no water\n")
	require.Equal(t, untimed(said(ours)), untimed(said(theirs)))
	passing, again := both(fixture(t), "test")
	require.Zero(t, passing.Code, passing.Stderr)
	require.Zero(t, again.Code, again.Stderr)
}

// said is what a run said from its error on.
func said(r rig.Result) string {
	i := strings.Index(r.Stderr, "error: ")
	return r.Stderr[max(0, i):]
}

var duration = regexp.MustCompile(`(?m) +(?:[0-9.]+s|\(cached\))$`)

// untimed leaves out how long a package's tests took.
func untimed(text string) string { return duration.ReplaceAllString(text, "") }
