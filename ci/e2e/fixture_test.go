package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// builder is the pin of the tests, which does not move when the product's does.
const builder = "golang:1.26.9-alpine@sha256:cdfd4fe2da6b225d8b40c6b7a105736e548e83ff56d5d8f9394446eeb5eb84e0"

// tree is a small service with all that decides a binary: a dependency of its own,
// an embedded file, a version variable.
var tree = map[string]string{
	"go.mod":              "module example.com/tide\n\ngo 1.25.0\n",
	"cmd/tide/main.go":    "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n\n\t\"example.com/tide/table\"\n)\n\nvar version, commit string\n\nvar (\n\t//go:embed banner.txt\n\tbanner string\n)\n\nfunc main() { fmt.Print(banner, version, \" \", commit, \" \", table.High(), \"\\n\") }\n",
	"cmd/tide/banner.txt": "tide\n",
	"table/table.go":      "// Package table knows the tides.\npackage table\n\n// High is the time of high water.\nfunc High() string { return \"06:12\" }\n",
	"table/table_test.go": "package table\n",
	"README.md":           "not in the image\n",
	".slipway.yaml":       "port: 8080\nlabel:\n  com.example.team: harbour\n",
	".gitattributes":      "* -text\n",
}

// fixture writes the tree into a git repository with one commit of a fixed time.
func fixture(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tide")
	for name, text := range tree {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message=tide")
	git(t, dir, "tag", "v1.4.0")
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	env := append(rig.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05+07:00",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:06+07:00")
	return rig.Must(t, dir, env, "git", args...)
}

// environment is what slipway runs with, over what this process has.
func environment(t *testing.T, extra ...string) []string {
	t.Helper()
	return append(append(rig.Environ(), "SLIPWAY_CACHE="+cacheDir(t)), extra...)
}

// digestOf is the one line that a successful build prints on stdout.
func digestOf(t *testing.T, r rig.Result) string {
	t.Helper()
	require.Zero(t, r.Code, "%s", r.Stderr)
	digest := strings.TrimSpace(r.Stdout)
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, digest)
	return digest
}
