package project_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

func TestRead_GoesOnWithoutGit(t *testing.T) {
	t.Parallel()
	dir := repo(t, files{"svc/go.mod": tide + "replace example.com/lib => ../lib\n", "svc/main.go": program, "svc/git": "#!/bin/sh\n", "lib/x": ""})
	require.NoError(t, os.Chmod(filepath.Join(dir, "svc", "git"), 0o755))
	for name, env := range map[string][]string{
		"no PATH": {}, "empty PATH": {"PATH="}, "no git there": {"PATH=" + t.TempDir()}, "relative PATH": {"PATH=.:svc:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := project.Read(t.Context(), project.Options{Dir: filepath.Join(dir, "svc"), Env: env})
			require.NoError(t, err)
			require.Equal(t, project.Git{}, p.Git)
			require.Equal(t, dir, p.TreeRoot)
			require.Len(t, p.Notes, 1)
			require.Contains(t, p.Notes[0], "git is not installed")
			changed, err := p.Dirty(t.Context(), []string{"main.go"})
			require.NoError(t, err)
			require.Empty(t, changed)
		})
	}
}

func TestRead_TakesTheGitThatIsNamed(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	program, err := exec.LookPath("git")
	require.NoError(t, err)
	p, err := project.Read(t.Context(), project.Options{Dir: dir, Git: program})
	require.NoError(t, err)
	require.NotEmpty(t, p.Git.Commit)
	_, err = project.Read(t.Context(), project.Options{Dir: dir, Git: filepath.Join(dir, "absent")})
	require.Contains(t, usage(t, err), "cannot be run")
}

func TestRead_ExplainsABrokenRepository(t *testing.T) {
	t.Parallel()
	remove := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git", name)))
			}
		}
	}
	change := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { write(t, dir, files{".git/" + name: text}) }
	}
	breaks := map[string]func(t *testing.T, dir string){
		"no HEAD":          remove("HEAD"),
		"garbage in HEAD":  change("HEAD", "garbage\n"),
		"garbage in a ref": change("refs/heads/trunk", "garbage\n"),
		"absent commit":    change("refs/heads/trunk", strings.Repeat("1", 40)+"\n"),
		"no objects":       remove("objects"),
		"newer format":     change("config", "[core]\n\trepositoryformatversion = 99\n"),
		"wrong config":     change("config", "[core\n"),
		"empty folder":     remove("HEAD", "objects", "refs", "config"),
		"dangling file": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git")))
			write(t, dir, files{".git": "gitdir: ../absent/.git/worktrees/x\n"})
		},
		"head is no commit": func(t *testing.T, dir string) {
			write(t, dir, files{".git/refs/heads/trunk": gitIn(t, dir, "rev-parse", "HEAD:main.go") + "\n"})
		},
		"a tag of nothing": change("refs/tags/v1.0.0", strings.Repeat("1", 40)+"\n"),
	}
	// The intact repository around it must not be taken instead.
	intact := repo(t, files{"go.mod": tide})
	write(t, filepath.Join(intact, "inner"), service())
	gitIn(t, filepath.Join(intact, "inner"), "init", "-q", "-b", "trunk")
	commit(t, filepath.Join(intact, "inner"))
	for name, spoil := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := folder(t, nil)
			require.NoError(t, os.CopyFS(outer, os.DirFS(intact)))
			dir := filepath.Join(outer, "inner")
			spoil(t, dir)
			said := usage(t, errorOf(read(t, dir)))
			require.Contains(t, said, "git cannot read the repository "+dir)
			require.Contains(t, said, "git fsck")
		})
	}
}

// wrapped returns a git that sets a variable, which Slipway does not let through.
func wrapped(t *testing.T, line string) string {
	t.Helper()
	program, err := exec.LookPath("git")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "git")
	writeScript(t, name, "#!/bin/sh\n"+line+"\nexec "+program+" \"$@\"\n")
	return name
}

func TestRead_ExplainsDubiousOwnership(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	// What git's own tests set in order to own nothing.
	foreign := wrapped(t, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1; export GIT_TEST_ASSUME_DIFFERENT_OWNER")
	home := t.TempDir()
	o := project.Options{Dir: dir, Git: foreign, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1"}}
	_, err := project.Read(t.Context(), o)
	said := usage(t, err)
	require.Contains(t, said, "belongs to another user")
	require.Contains(t, said, "git config --global --add safe.directory "+dir)

	remedy := exec.CommandContext(t.Context(), "git", "config", "--global", "--add", "safe.directory", dir)
	remedy.Env = o.Env
	require.NoError(t, remedy.Run())
	p, err := project.Read(t.Context(), o)
	require.NoError(t, err)
	require.NotEmpty(t, p.Git.Commit)
}

func TestRead_IsNotLedElsewhereByTheEnvironment(t *testing.T) {
	t.Parallel()
	dir, other := repo(t, service()), repo(t, files{"x": "another commit"})
	want := mustRead(t, dir).Git
	env := environ(t,
		"GIT_DIR="+filepath.Join(other, ".git"), "GIT_WORK_TREE="+other, "GIT_INDEX_FILE=/nowhere", "GIT_OBJECT_DIRECTORY=/nowhere",
		"GIT_COMMON_DIR=/nowhere", "GIT_NAMESPACE=x", "GIT_SHALLOW_FILE=/nowhere", "GIT_CEILING_DIRECTORIES=/", "GIT_EXEC_PATH=/nowhere",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.repositoryformatversion", "GIT_CONFIG_VALUE_0=99", "GIT_CONFIG=/nowhere",
		"GIT_CONFIG_PARAMETERS='core.bare=true'", "GIT_TRACE=1", "GIT_DEFAULT_HASH=sha256", "LC_ALL=de_DE.UTF-8")
	p, err := project.Read(t.Context(), project.Options{Dir: dir, Env: env})
	require.NoError(t, err)
	require.Equal(t, want, p.Git)
}

func TestRead_IgnoresReplacedObjectsAndGrafts(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	want := mustRead(t, dir).Git
	raw := gitIn(t, dir, "cat-file", "commit", "HEAD")
	write(t, dir, files{"../raw": strings.ReplaceAll(raw, "C O Mitter <committer@example.com> 1", "C O Mitter <committer@example.com> 2")})
	fake := gitIn(t, dir, "hash-object", "-t", "commit", "-w", "../raw")
	gitIn(t, dir, "replace", want.Commit, fake)
	require.Contains(t, gitIn(t, dir, "cat-file", "commit", "HEAD"), "> 2", "the replacement is in effect for others")
	require.Equal(t, want, mustRead(t, dir).Git)
}

// writeScript writes a program. A process that is forked meanwhile would hold it open,
// and then it cannot be run: https://go.dev/issue/22315
func writeScript(t *testing.T, name, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o755))
}

func TestRead_StopsGitWithTheContext(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	slow := filepath.Join(t.TempDir(), "git")
	writeScript(t, slow, "#!/bin/sh\nexec sleep 60\n")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := project.Read(ctx, project.Options{Dir: dir, Git: slow, Env: environ(t)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 50*time.Second)
}

func TestRead_StartsPlumbingOnly(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	log := filepath.Join(t.TempDir(), "log")
	spy := wrapped(t, `printf '%s\n' "$*" >> `+log)
	p, err := project.Read(t.Context(), project.Options{Dir: dir, Git: spy, Env: environ(t)})
	require.NoError(t, err)
	_, err = p.Dirty(t.Context(), []string{"main.go"})
	require.NoError(t, err)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	calls := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.NotEmpty(t, calls)
	for _, call := range calls {
		words := strings.Fields(call)
		require.True(t, slices.ContainsFunc([]string{"rev-parse", "cat-file", "for-each-ref", "ls-tree", "symbolic-ref", "config"}, func(verb string) bool {
			return slices.Contains(words, verb)
		}), call)
	}
}
