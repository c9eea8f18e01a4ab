package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// requireFewCompiled wants nothing built for what is not in the binary, and of an edit
// only what depends on it.
func requireFewCompiled(t *testing.T, l *lab) {
	t.Helper()
	src, cache := fixture(t), "SLIPWAY_CACHE="+t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(src, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	// Two packages that do not know of each other.
	write("coast/coast.go", "package coast\n\nfunc init() { println() }\n")
	write("cmd/tide/coast.go", "package main\n\nimport _ \"example.com/tide/coast\"\n")
	build := func() rig.Result {
		r := l.dagger(t, src, t.TempDir(), []string{cache}, "--platform", "linux/amd64", "--verbose")
		digestOf(t, r)
		return r
	}
	require.Regexp(t, `build linux/amd64 +done`, build().Stderr)
	for _, name := range []string{"README.md", ".git/description", "table/table_test.go", "new.txt"} {
		write(name, "package table\n")
		require.Regexp(t, `build linux/amd64 +cached`, build().Stderr, name)
	}
	write("table/table.go", "package table\n\nfunc High() string { return \"18:40\" }\n")
	var compiled []string
	for line := range strings.Lines(build().Stderr) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "build linux/amd64 | "); ok && !strings.HasPrefix(name, "go build ") {
			compiled = append(compiled, name)
		}
	}
	require.Equal(t, []string{"example.com/tide/table", "example.com/tide/cmd/tide"}, compiled)
}

// requirePreBuild wants a command of the source run in the builder, and what it made in
// the source folder and in the image, and nothing else changed.
func requirePreBuild(t *testing.T, l *lab) {
	t.Helper()
	src := fixture(t)
	require.NoError(t, os.WriteFile(filepath.Join(src, ".slipway.yaml"), []byte("pre-build:\n  - [cp, /etc/debian_version, cmd/tide/banner.txt]\n"), 0o644))
	link := filepath.Join(src, "link.txt")
	require.NoError(t, os.Symlink("README.md", link))
	out := t.TempDir()
	r := l.dagger(t, src, out, nil, "--platform", "linux/amd64")
	require.Equal(t, cli.ExitUsage, r.Code, r.Stderr)
	digestOf(t, l.dagger(t, src, out, nil, "--platform", "linux/amd64", "--allow-exec"))
	made, err := os.ReadFile(filepath.Join(src, "cmd", "tide", "banner.txt"))
	require.NoError(t, err)
	require.Regexp(t, `^12\.\d+\n$`, string(made), "the builder's Debian, not this machine's")
	require.Equal(t, " M .slipway.yaml\n M cmd/tide/banner.txt\n?? link.txt", " "+git(t, src, "status", "--porcelain"))
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "README.md", target)
}
