package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// replacedOutside is a repository whose module takes another from beside the
// repository. With a root, git is told that the repository is all below that.
func replacedOutside(root string) func(*testing.T, trap) attack {
	return func(t *testing.T, _ trap) attack {
		src := module(t, map[string]string{
			"go.mod":  "module example.com/tide\n\ngo 1.25.0\n\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => ../lib\n",
			"main.go": "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
		})
		put(t, filepath.Dir(src), "lib/go.mod", "module example.com/lib\n")
		put(t, filepath.Dir(src), "lib/lib.go", "package lib\n")
		git(t, src, "init", "--quiet")
		if root != "" {
			git(t, src, "config", "core.worktree", root)
		}
		return attack{src: src}
	}
}

// partialClone lacks the tree of its commit and names a program to fetch it with.
func partialClone(t *testing.T, x trap) attack {
	src := fixture(t)
	tree := git(t, src, "rev-parse", "HEAD^{tree}")
	spring(t, src, x)
	require.NoError(t, os.Remove(filepath.Join(src, ".git", "objects", tree[:2], tree[2:])))
	return attack{src: src}
}

// spring makes a repository run a program wherever git lets a repository say one.
func spring(t *testing.T, src string, x trap) {
	t.Helper()
	config, err := os.OpenFile(filepath.Join(src, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	defer config.Close()
	_, err = config.WriteString(strings.ReplaceAll(`[core]
	repositoryformatversion = 1
	fsmonitor = TRAP
	hooksPath = hooks
	sshCommand = TRAP
	gitProxy = TRAP
	askPass = TRAP
	pager = TRAP
	editor = TRAP
	alternateRefsCommand = TRAP
[filter "evil"]
	clean = TRAP
	smudge = TRAP
	process = TRAP
	required = true
[diff]
	external = TRAP
[diff "evil"]
	command = TRAP
	textconv = TRAP
[alias]
	rev-parse = !TRAP
	cat-file = !TRAP
	ls-tree = !TRAP
	for-each-ref = !TRAP
	status = !TRAP
[credential]
	helper = !TRAP
[gpg]
	program = TRAP
[uploadpack]
	packObjectsHook = TRAP
[extensions]
	partialClone = origin
[remote "origin"]
	url = ext::TRAP
	promisor = true
	partialclonefilter = blob:none
[protocol]
	allow = always
[protocol "ext"]
	allow = always
`, "TRAP", x.program))
	require.NoError(t, err)
	for _, hook := range []string{"pre-commit", "post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"} {
		require.NoError(t, os.MkdirAll(filepath.Join(src, "hooks"), 0o755))
		require.NoError(t, os.Symlink(x.program, filepath.Join(src, "hooks", hook)))
		require.NoError(t, os.MkdirAll(filepath.Join(src, ".git", "hooks"), 0o755))
		require.NoError(t, os.Symlink(x.program, filepath.Join(src, ".git", "hooks", hook)))
	}
	for _, name := range []string{".gitattributes", ".git/info/attributes"} {
		put(t, src, name, "* filter=evil diff=evil\n")
	}
}
