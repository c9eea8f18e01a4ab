//go:build unix

package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

// trap is a program that leaves a marker when it is started.
type trap struct{ program, marker string }

func newTrap(t *testing.T) trap {
	t.Helper()
	dir := t.TempDir()
	tr := trap{program: filepath.Join(dir, "trap"), marker: filepath.Join(dir, "marker")}
	writeScript(t, tr.program, "#!/bin/sh\n: > "+tr.marker+"\nexit 1\n")
	return tr
}

// springs proves that the trap works on a git command that is less careful.
func (tr trap) springs(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, environ(t)
	_ = cmd.Run() // the trap makes some of them fail
	require.FileExists(t, tr.marker, "git %s does not start what the configuration names", strings.Join(args, " "))
	require.NoError(t, os.Remove(tr.marker))
}

func TestRead_ExecutesNothingOfTheConfiguration(t *testing.T) {
	t.Parallel()
	dir, tr := repo(t, service()), newTrap(t)
	gitIn(t, dir, "tag", "v1.0.0")
	for name, value := range map[string]string{
		"core.fsmonitor": tr.program, "core.hooksPath": filepath.Dir(tr.program), "core.sshCommand": tr.program, "core.pager": tr.program,
		"core.editor": tr.program, "core.askPass": tr.program, "core.gitProxy": tr.program, "core.alternateRefsCommand": tr.program,
		"filter.evil.clean": tr.program, "filter.evil.smudge": tr.program, "filter.evil.process": tr.program,
		"filter.evil.required": "true", "diff.evil.textconv": tr.program, "diff.evil.command": tr.program, "diff.external": tr.program,
		"gpg.program": tr.program, "log.showSignature": "true", "credential.helper": tr.program, "uploadpack.packObjectsHook": tr.program,
		"alias.rev-parse": "!" + tr.program, "alias.cat-file": "!" + tr.program, "alias.ls-tree": "!" + tr.program, "alias.evil": "!" + tr.program,
		"pager.rev-parse": tr.program, "pager.cat-file": tr.program, "pager.for-each-ref": tr.program, "pager.ls-tree": tr.program,
		"pager.symbolic-ref": tr.program, "core.worktree": "/nowhere", "safe.directory": "*", "include.path": "/nowhere/config",
	} {
		gitIn(t, dir, "config", name, value)
	}
	write(t, dir, files{".gitattributes": "* filter=evil diff=evil\n", "main.go": program + "// another\n"})
	for _, hook := range []string{"post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change", "fsmonitor-watchman"} {
		require.NoError(t, os.Symlink(tr.program, filepath.Join(filepath.Dir(tr.program), hook)))
	}
	tr.springs(t, dir, "--work-tree="+dir, "status")
	tr.springs(t, dir, "--work-tree="+dir, "evil")

	p := mustRead(t, dir)
	require.Equal(t, "v1.0.0", p.Git.Version)
	require.Equal(t, dir, p.TreeRoot, "whatever core.worktree says")
	changed, err := p.Dirty(t.Context(), []string{"go.mod", "main.go", ".gitattributes"})
	require.NoError(t, err)
	require.Equal(t, []string{"main.go", ".gitattributes"}, changed)
	require.NoFileExists(t, tr.marker)
}

// A partial clone fetches objects that it lacks by what its configuration names.
func TestRead_DoesNotFetchWhatAPartialCloneLacks(t *testing.T) {
	t.Parallel()
	origin := repo(t, service())
	gitIn(t, origin, "config", "uploadpack.allowFilter", "true")
	for name, set := range map[string]func(tr trap) map[string]string{
		"by a transport helper": func(tr trap) map[string]string {
			return map[string]string{"remote.origin.url": "ext::" + tr.program, "protocol.ext.allow": "always"}
		},
		"by ssh": func(tr trap) map[string]string {
			return map[string]string{"remote.origin.url": "ssh://example.com/x", "core.sshCommand": tr.program, "protocol.ssh.allow": "always"}
		},
		"by an upload program": func(tr trap) map[string]string {
			return map[string]string{"remote.origin.uploadpack": tr.program, "protocol.file.allow": "always"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top, tr := folder(t, nil), newTrap(t)
			gitIn(t, top, "clone", "-q", "--no-checkout", "--filter=tree:0", "file://"+origin, "c")
			dir := filepath.Join(top, "c")
			write(t, dir, service())
			for key, value := range set(tr) {
				gitIn(t, dir, "config", key, value)
			}
			tr.springs(t, dir, "ls-tree", "HEAD")
			for git, program := range map[string]string{"this release": "", "one without GIT_NO_LAZY_FETCH": wrapped(t, "unset GIT_NO_LAZY_FETCH")} {
				p, err := project.Read(t.Context(), project.Options{Dir: dir, Git: program, Env: environ(t)})
				require.NoError(t, err)
				require.NotEmpty(t, p.Git.Commit)
				_, err = p.Dirty(t.Context(), []string{"main.go"})
				require.Contains(t, usage(t, err), "git cannot read the repository", git)
				require.NoFileExists(t, tr.marker, git)
			}
		})
	}
}

func TestRead_TakesNoBareRepositoryAmongTheSources(t *testing.T) {
	t.Parallel()
	dir := folder(t, service())
	bare := filepath.Join(folder(t, nil), "bare")
	gitIn(t, filepath.Dir(bare), "clone", "-q", "--bare", repo(t, service()), bare)
	require.NoError(t, os.CopyFS(dir, os.DirFS(bare)))
	require.Empty(t, mustRead(t, dir).Git)
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".git"), 0o755))
	require.Contains(t, usage(t, errorOf(read(t, dir))), "git cannot read the repository")
}

func TestRead_OpensNoPipeNamedGit(t *testing.T) {
	t.Parallel()
	dir := folder(t, service())
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, ".git"), 0o600))
	var p *project.Project
	var err error
	soon(t, func() { p, err = read(t, dir) })
	require.NoError(t, err)
	require.Equal(t, project.Git{}, p.Git)
}

// The paths of the tree of this commit are more than anybody can list.
func TestDirty_DoesNotUnfoldATreeBomb(t *testing.T) {
	t.Parallel()
	dir := repo(t, service())
	id := gitIn(t, dir, "rev-parse", "HEAD:main.go")
	line := "100644 blob " + id + "\t"
	for range 12 {
		var tree strings.Builder
		for _, name := range "abcdefghij" {
			tree.WriteString(line + string(name) + "\n")
		}
		cmd := exec.CommandContext(t.Context(), "git", "mktree")
		cmd.Dir, cmd.Env, cmd.Stdin = dir, environ(t), strings.NewReader(tree.String())
		out, err := cmd.Output()
		require.NoError(t, err)
		line = "040000 tree " + strings.TrimSpace(string(out)) + "\t"
	}
	bomb := gitIn(t, dir, "commit-tree", "-m", "bomb", strings.Fields(line)[2])
	gitIn(t, dir, "update-ref", "HEAD", bomb)
	p := mustRead(t, dir)
	write(t, dir, files{"a/b/c/d/e/f/g/h/i/j/a/b": program})
	var changed []string
	var err error
	soon(t, func() { changed, err = p.Dirty(t.Context(), []string{"main.go", "a/b/c/d/e/f/g/h/i/j/a/b"}) })
	require.NoError(t, err)
	require.Equal(t, []string{"main.go"}, changed)
}
