package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

// environ is an environment without any configuration of git.
func environ(t testing.TB, more ...string) []string {
	t.Helper()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}, more...)
}

// gitIn runs git as a user does, at a fixed time, and returns what it prints.
func gitIn(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "core.fsync=none"}, args...)...)
	cmd.Dir = dir
	cmd.Env = environ(t,
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=2020-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com", "GIT_COMMITTER_DATE=2026-03-04T05:06:07+0700",
		"GIT_TEMPLATE_DIR=", "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// repo returns a repository with these files in one commit.
func repo(t testing.TB, all files, init ...string) string {
	t.Helper()
	dir := folder(t, all)
	gitIn(t, dir, append([]string{"init", "-q", "-b", "trunk"}, init...)...)
	commit(t, dir)
	return dir
}

func commit(t testing.TB, dir string) {
	t.Helper()
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "-q", "--allow-empty", "-m", "a commit")
}

func service() files { return files{"go.mod": tide, "main.go": program} }

var commitTime = time.Date(2026, 3, 3, 22, 6, 7, 0, time.UTC)

func TestRead_TakesTheCommitFromGit(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	head := gitIn(t, dir, "rev-parse", "HEAD")
	require.Equal(t, project.Git{
		Present: true, Commit: head, CommitTime: commitTime, Version: "v0.0.0-20260303220607-" + head[:12],
	}, mustRead(t, dir).Git)
	require.Empty(t, mustRead(t, dir).Notes)
}

func TestRead_TakesTheTagsOfTheModule(t *testing.T) {
	t.Parallel()
	dir := repo(t, files{
		"go.mod": tide, "main.go": program, "svc/go.mod": "module example.com/tide/svc/v3\n", "svc/main.go": program,
		"lib/go.mod": "module example.com/tide/lib\n",
	})
	gitIn(t, dir, "tag", "v1.9.0")
	gitIn(t, dir, "tag", "-a", "-m", "a tag", "v1.10.0")
	gitIn(t, dir, "tag", "svc/v2.1.0")

	p := mustRead(t, dir)
	require.Equal(t, "v1.10.0", p.Git.Version)
	require.True(t, p.Git.Tagged)
	require.True(t, p.Git.HasTags)
	require.Empty(t, p.Notes)

	p = mustRead(t, filepath.Join(dir, "svc"))
	require.Equal(t, "v3.0.0-20260303220607-"+p.Git.Commit[:12], p.Git.Version)
	require.False(t, p.Git.Tagged)
	require.Equal(t, []string{"the tag svc/v2.1.0 does not count as the version: " +
		"its major version does not fit the module path example.com/tide/svc/v3"}, p.Notes)

	p = mustRead(t, filepath.Join(dir, "lib"))
	require.False(t, p.Git.Tagged)
	require.Empty(t, p.Notes)
}

func TestRead_DoesNotLookAtTagsOfOtherCommits(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	gitIn(t, dir, "tag", "v1.0.0")
	commit(t, dir)
	git := mustRead(t, dir).Git
	require.False(t, git.Tagged)
	require.True(t, git.HasTags)
	require.True(t, strings.HasPrefix(git.Version, "v0.0.0-2026"), "not v1.0.1-0.2026..., which needs history")
}

func TestRead_IsTheSameForEveryWayToCheckOut(t *testing.T) {
	t.Parallel()
	origin := repo(t, service())
	gitIn(t, origin, "tag", "v1.2.3")
	want := mustRead(t, origin).Git
	checkouts := map[string]func(t *testing.T, top string) (dir string){
		"clone": func(t *testing.T, top string) string {
			gitIn(t, top, "clone", "-q", origin, "c")
			return filepath.Join(top, "c")
		},
		"other branch, detached, packed": func(t *testing.T, top string) string {
			gitIn(t, top, "clone", "-q", "-o", "upstream", origin, "c")
			dir := filepath.Join(top, "c")
			gitIn(t, dir, "checkout", "-q", "--detach")
			gitIn(t, dir, "pack-refs", "--all")
			return dir
		},
		"worktree": func(t *testing.T, top string) string {
			gitIn(t, top, "clone", "-q", origin, "c")
			gitIn(t, filepath.Join(top, "c"), "worktree", "add", "-q", "--detach", filepath.Join(top, "w"))
			return filepath.Join(top, "w")
		},
		"submodule": func(t *testing.T, top string) string {
			write(t, filepath.Join(top, "super"), files{"README": "", "go.work": "go 1.26.0\nuse ./sub\n"})
			gitIn(t, filepath.Join(top, "super"), "init", "-q")
			gitIn(t, filepath.Join(top, "super"), "submodule", "add", "-q", origin, "sub")
			return filepath.Join(top, "super", "sub")
		},
		"separate git dir": func(t *testing.T, top string) string {
			gitIn(t, top, "clone", "-q", "--separate-git-dir", filepath.Join(top, "elsewhere"), origin, "c")
			return filepath.Join(top, "c")
		},
	}
	for name, checkout := range checkouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t, folder(t, nil))
			p := mustRead(t, dir)
			require.Equal(t, want, p.Git)
			require.Equal(t, dir, p.TreeRoot)
			require.Empty(t, p.Workspace)
			changed, err := p.Dirty(t.Context(), []string{"go.mod", "main.go"})
			require.NoError(t, err)
			require.Empty(t, changed)
		})
	}
}

func TestRead_SaysThatACloneIsShallow(t *testing.T) {
	t.Parallel()
	origin := repo(t, service())
	gitIn(t, origin, "tag", "v1.0.0")
	commit(t, origin)
	top := folder(t, nil)
	gitIn(t, top, "clone", "-q", "--depth=1", "file://"+origin, "c")
	p := mustRead(t, filepath.Join(top, "c"))
	require.True(t, p.Git.Shallow)
	require.False(t, p.Git.HasTags)
	require.Contains(t, p.Notes[0], "shallow clone without tags")
	full := mustRead(t, origin).Git
	require.Equal(t, full.Version, p.Git.Version, "the pseudo-version is that of the full clone")
}

func TestRead_KnowsSHA256Repositories(t *testing.T) {
	t.Parallel()
	dir := repo(t, service(), "--object-format=sha256")
	p := mustRead(t, dir)
	require.Len(t, p.Git.Commit, 64)
	require.True(t, strings.HasSuffix(p.Git.Version, "-"+p.Git.Commit[:12]))
	write(t, dir, files{"main.go": program + "\n"})
	changed, err := p.Dirty(t.Context(), []string{"go.mod", "main.go"})
	require.NoError(t, err)
	require.Equal(t, []string{"main.go"}, changed)
}

func TestRead_GoesOnWithoutACommit(t *testing.T) {
	t.Parallel()
	dir := folder(t, service())
	gitIn(t, dir, "init", "-q")
	p := mustRead(t, dir)
	require.Equal(t, project.Git{Present: true}, p.Git)
	require.Contains(t, p.Notes[0], "has no commit yet")
	changed, err := p.Dirty(t.Context(), []string{"main.go"})
	require.NoError(t, err)
	require.Empty(t, changed)
}
