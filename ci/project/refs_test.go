package project_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

func TestRead_NamesTheBranchThatIsCheckedOut(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	require.Equal(t, project.Refs{Head: "refs/heads/trunk", From: "git"}, mustRead(t, dir).Refs)
	gitIn(t, dir, "checkout", "-q", "-b", "team/größe")
	gitIn(t, dir, "tag", "v1.0.0")
	gitIn(t, dir, "tag", "-a", "-m", "a tag", "stable")
	gitIn(t, dir, "pack-refs", "--all")
	require.Equal(t, project.Refs{Head: "refs/heads/team/größe", From: "git", Tags: []string{"stable", "v1.0.0"}}, mustRead(t, dir).Refs)
	gitIn(t, dir, "checkout", "-q", "--detach")
	require.Equal(t, project.Refs{Tags: []string{"stable", "v1.0.0"}}, mustRead(t, dir).Refs)
	commit(t, dir)
	require.Equal(t, project.Refs{}, mustRead(t, dir).Refs)
}

func TestRead_NamesTheDefaultBranchThatACloneKnows(t *testing.T) {
	t.Parallel()
	origin := repo(t, service())
	top := folder(t, nil)
	gitIn(t, top, "clone", "-q", origin, "c")
	dir := filepath.Join(top, "c")
	gitIn(t, dir, "checkout", "-q", "-b", "other")
	require.Equal(t, project.Refs{Head: "refs/heads/other", From: "git", DefaultBranch: "trunk", Remote: origin}, mustRead(t, dir).Refs)
	for name, text := range map[string]string{
		"elsewhere": "ref: refs/heads/trunk\n", "an id": gitIn(t, dir, "rev-parse", "HEAD") + "\n", "no name": "ref: refs/remotes/origin/\x1b[2J\n",
		"long": "ref: refs/remotes/origin/" + strings.Repeat("x", 1001) + "\n",
	} {
		write(t, dir, files{".git/refs/remotes/origin/HEAD": text})
		require.Empty(t, mustRead(t, dir).Refs.DefaultBranch, name)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, ".git", "refs", "remotes", "origin", "HEAD")))
	require.Empty(t, mustRead(t, dir).Refs.DefaultBranch)
}

// The variables of a runner count for the commit that it speaks of, and for no other.
func TestRead_BelievesARunnerOnItsOwnCommit(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	gitIn(t, dir, "checkout", "-q", "--detach")
	head := gitIn(t, dir, "rev-parse", "HEAD")
	for name, tt := range map[string]struct{ ref, sha, want string }{
		"a pull request":           {"refs/pull/7/merge", head, "refs/pull/7/merge"},
		"a tag":                    {"refs/tags/v1.2.3", head, "refs/tags/v1.2.3"},
		"a branch":                 {"refs/heads/main", head, "refs/heads/main"},
		"another commit":           {"refs/heads/main", strings.Repeat("1", 40), ""},
		"no commit":                {"refs/heads/main", "", ""},
		"no full name":             {"main", head, ""},
		"what git has no name for": {"refs/heads/a b\x1b[2J", head, ""},
		"too long":                 {"refs/heads/" + strings.Repeat("x", 1001), head, ""},
	} {
		p, err := project.Read(t.Context(), project.Options{Dir: dir, Env: environ(t, "GITHUB_REF=refs/heads/old", "GITHUB_REF="+tt.ref, "GITHUB_SHA="+tt.sha)})
		require.NoError(t, err)
		require.Equal(t, tt.want, p.Refs.Head, name)
		if tt.want != "" {
			require.Equal(t, "GITHUB_REF", p.Refs.From)
		}
	}
	gitIn(t, dir, "checkout", "-q", "trunk")
	p, err := project.Read(t.Context(), project.Options{Dir: dir, Env: environ(t, "GITHUB_REF=refs/heads/main", "GITHUB_SHA="+strings.Repeat("1", 40))})
	require.NoError(t, err)
	require.Equal(t, project.Refs{Head: "refs/heads/trunk", From: "git"}, p.Refs)
}
