package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

// tree writes files by their slash paths and returns the folder, links resolved.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range files {
		write(t, dir, name, text)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05+07:00",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:06+07:00")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// committed makes a repository with one commit of files.
func committed(t *testing.T, files map[string]string, options ...string) string {
	t.Helper()
	dir := tree(t, files)
	git(t, dir, append([]string{"init", "--quiet", "--initial-branch=main"}, options...)...)
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message=first")
	return dir
}

func read(t *testing.T, dir string, env ...string) *project.Project {
	t.Helper()
	p, err := project.Read(t.Context(), project.Options{Dir: dir, Env: append(os.Environ(), env...)})
	require.NoError(t, err)
	return p
}

func readError(t *testing.T, dir string) error {
	t.Helper()
	_, err := project.Read(t.Context(), project.Options{Dir: dir, Env: os.Environ()})
	require.Error(t, err)
	return err
}

const (
	mod  = "module example.com/tide\n\ngo 1.25.0\n"
	prog = "package main\n\nfunc main() {}\n"
)
