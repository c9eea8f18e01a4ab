package project_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/project"
)

const stamp = "20260101200406" // 03:04:06 in a zone seven hours ahead

func TestRead_TakesIdentityFromTheCommitAlone(t *testing.T) {
	t.Parallel()
	dir := committed(t, map[string]string{"go.mod": mod, "main.go": prog})
	head := git(t, dir, "rev-parse", "HEAD")
	p := read(t, dir)
	require.Equal(t, head, p.Git.Commit)
	require.Equal(t, time.Date(2026, 1, 1, 20, 4, 6, 0, time.UTC), p.Git.CommitTime)
	require.Equal(t, "v0.0.0-"+stamp+"-"+head[:12], p.Git.Version)
	git(t, dir, "checkout", "--quiet", "-b", "other")
	git(t, dir, "remote", "add", "origin", "git@example.com:a/b.git")
	require.Equal(t, p.Git, read(t, dir).Git)
}

func TestRead_ChoosesTheHighestTagOfTheModule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		module string
		sub    string
		tags   []string
		want   string
	}{
		"highest":              {"example.com/tide", "", []string{"v1.2.0", "v1.10.0", "v1.9.0"}, "v1.10.0"},
		"release over pre":     {"example.com/tide", "", []string{"v1.0.0-rc.1", "v1.0.0"}, "v1.0.0"},
		"no version":           {"example.com/tide", "", []string{"release", "1.0.0", "v1", "v1.2", "v1.2.3.4"}, ""},
		"build metadata":       {"example.com/tide", "", []string{"v1.0.0+x"}, ""},
		"another major":        {"example.com/tide", "", []string{"v2.0.0", "v1.0.0"}, "v1.0.0"},
		"its own major":        {"example.com/tide/v2", "", []string{"v2.0.1", "v1.0.0"}, "v2.0.1"},
		"no tag of its major":  {"example.com/tide/v2", "", []string{"v1.0.0"}, ""},
		"module in a folder":   {"example.com/tide/svc", "svc", []string{"v9.0.0", "svc/v1.1.0"}, "v1.1.0"},
		"only the root's tags": {"example.com/tide/svc", "svc", []string{"v9.0.0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := filepath.Join(c.sub, "go.mod")
			dir := committed(t, map[string]string{filepath.ToSlash(at): "module " + c.module + "\n", "README": "x"})
			for _, tag := range c.tags {
				git(t, dir, "tag", "--annotate", "--message=x", tag)
			}
			p := read(t, filepath.Join(dir, c.sub))
			want := c.want
			if want == "" {
				major := "v0"
				if strings.HasSuffix(c.module, "/v2") {
					major = "v2"
				}
				want = major + ".0.0-" + stamp + "-" + p.Git.Commit[:12]
			}
			require.Equal(t, want, p.Git.Version)
			require.Equal(t, dir, p.TreeRoot)
		})
	}
}

func TestRead_KnowsEveryKindOfRepository(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": mod, "main.go": prog}
	dir := committed(t, files)
	head := git(t, dir, "rev-parse", "HEAD")

	worktree := filepath.Join(t.TempDir(), "worktree")
	git(t, dir, "worktree", "add", "--quiet", "--detach", worktree)
	require.Equal(t, head, read(t, worktree).Git.Commit, "in a worktree .git is a file")

	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, dir, "commit", "--quiet", "--allow-empty", "--message=second")
	git(t, "", "clone", "--quiet", "--depth=1", "file://"+dir, shallow)
	require.True(t, read(t, shallow).Git.Shallow)
	require.False(t, read(t, dir).Git.Shallow)

	outer := committed(t, map[string]string{"README": "x"})
	git(t, outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", dir, "svc")
	sub := read(t, filepath.Join(outer, "svc"))
	require.Equal(t, git(t, dir, "rev-parse", "HEAD"), sub.Git.Commit, "a submodule is its own repository")
	require.Equal(t, filepath.Join(outer, "svc"), sub.TreeRoot)

	wide := committed(t, files, "--object-format=sha256")
	p := read(t, wide)
	require.Len(t, p.Git.Commit, 64)
	dirty, err := p.Dirty(t.Context(), []string{"main.go"})
	require.NoError(t, err)
	require.Empty(t, dirty)
}

func TestRead_GoesOnWithoutACommit(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": mod, "main.go": prog}
	plain := read(t, tree(t, files))
	require.Empty(t, plain.Git)
	require.Contains(t, plain.Notes[0], "no git repository")

	unborn := tree(t, files)
	git(t, unborn, "init", "--quiet")
	require.Contains(t, strings.Join(read(t, unborn).Notes, "\n"), "no commit yet")

	withoutGit := read(t, committed(t, files), "PATH="+t.TempDir())
	require.Empty(t, withoutGit.Git)
	require.Contains(t, withoutGit.Notes[0], "git is not installed")
}

func TestRead_NamesWhatIsWrongWithARepository(t *testing.T) {
	t.Parallel()
	broken := committed(t, map[string]string{"go.mod": mod})
	require.NoError(t, os.WriteFile(filepath.Join(broken, ".git", "HEAD"), []byte("nonsense"), 0o644))
	err := readError(t, broken)
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.Contains(t, err.Error(), "git cannot read the repository")
}

func TestRead_SaysHowToTrustAnotherUsersRepository(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("giving files to another user needs root")
	}
	dir := committed(t, map[string]string{"go.mod": mod})
	require.NoError(t, os.Chown(dir, 12345, 12345))
	require.NoError(t, os.Chown(filepath.Join(dir, ".git"), 12345, 12345))
	err := readError(t, dir)
	require.Contains(t, err.Error(), "belongs to another user")
	require.Contains(t, err.Error(), "git config --global --add safe.directory "+dir)
}

func TestDirty_ComparesContentsAndNothingElse(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": mod, "main.go": prog, "a b/ü.go": "package x\n", "same.go": "package x\n", "gone.go": "package x\n"}
	dir := committed(t, files)
	p := read(t, dir)
	all := []string{"a b/ü.go", "go.mod", "main.go", "same.go"}
	require.NoError(t, os.Chmod(filepath.Join(dir, "same.go"), 0o600))
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "same.go"), later, later))
	dirty, err := p.Dirty(t.Context(), all)
	require.NoError(t, err)
	require.Empty(t, dirty)

	write(t, dir, "main.go", prog+"\n")
	write(t, dir, "new.go", "package x\n")
	dirty, err = p.Dirty(t.Context(), append(all, "new.go"))
	require.NoError(t, err)
	require.Equal(t, []string{"main.go", "new.go"}, dirty)
}

// Reading a repository runs nothing that the repository configures.
func TestRead_RunsNothingOfAHostileRepository(t *testing.T) {
	t.Parallel()
	dir := committed(t, map[string]string{"go.mod": mod, "main.go": prog, ".gitattributes": "* filter=evil diff=evil\n"})
	marker := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "evil")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755))
	for _, name := range []string{
		"core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy", "core.alternateRefsCommand",
		"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command", "diff.external",
		"credential.helper", "gpg.program", "uploadpack.packObjectsHook", "alias.rev-parse", "alias.cat-file", "alias.ls-tree", "alias.for-each-ref",
	} {
		git(t, dir, "config", name, script)
	}
	hooks := filepath.Join(dir, ".git", "hooks")
	require.NoError(t, os.MkdirAll(hooks, 0o755))
	for _, name := range []string{"post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout"} {
		require.NoError(t, os.Symlink(script, filepath.Join(hooks, name)))
	}
	git(t, dir, "config", "remote.origin.url", "ext::"+script)
	git(t, dir, "config", "remote.origin.promisor", "true")
	git(t, dir, "config", "extensions.partialClone", "origin")
	_ = os.Remove(marker) // the set-up above may have run it: that was git itself, asked to
	p := read(t, dir)
	_, err := p.Dirty(t.Context(), []string{"main.go"})
	require.NoError(t, err)
	require.NoFileExists(t, marker)
}

func FuzzCommitterTime(f *testing.F) {
	f.Add("tree x\ncommitter a <a@example.com> 1700000000 +0700\n\nmessage\n")
	f.Add("committer > > 9 \n\n")
	f.Fuzz(func(t *testing.T, commit string) {
		if at, err := project.CommitterTime(commit); err == nil {
			require.False(t, at.IsZero())
			require.Equal(t, time.UTC, at.Location())
		}
	})
}
