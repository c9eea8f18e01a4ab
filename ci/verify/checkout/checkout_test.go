package checkout_test

import (
	"encoding/pem"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/verify/checkout"
)

// environ is that of a user without a configuration of git's.
func environ(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	}, more...)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, environ(t)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// repository is one with every kind of file, and its commit.
func repository(t *testing.T, initial ...string) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	git(t, dir, append([]string{"init", "-q", "-b", "trunk"}, initial...)...)
	for name, text := range map[string]string{
		"go.mod": "module example.com/tide\n", "cmd/a b/main.go": "package main\r\n", "run.sh": "#!/bin/sh\n", "empty": "",
		".gitattributes": "*.go text eol=lf filter=evil ident\n", "data.bin": "\x00\x01\n\n", "déjà": "vu",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "run.sh"), 0o755))
	require.NoError(t, os.Symlink("../outside", filepath.Join(dir, "link")))
	// Without the attributes, so that the blobs are what was written.
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "info", "attributes"), []byte("* -text -filter -ident\n"), 0o644))
	return dir, committed(t, dir)
}

func committed(t *testing.T, dir string) string {
	t.Helper()
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "-q", "--message", "x")
	return git(t, dir, "rev-parse", "HEAD")
}

func made(t *testing.T, r checkout.Request) (*checkout.Checkout, error) {
	t.Helper()
	if r.Env == nil {
		r.Env = environ(t)
	}
	return checkout.Make(t.Context(), r, t.TempDir())
}

func TestMake_GivesTheBytesOfTheCommit(t *testing.T) {
	t.Parallel()
	for name, initial := range map[string][]string{"sha1": nil, "sha256": {"--object-format=sha256"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, commit := repository(t, initial...)
			// What lies there now is another commit, and something of nobody's.
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/other\n"), 0o644))
			committed(t, dir)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "untracked"), nil, 0o644))

			c, err := made(t, checkout.Request{Commit: commit, Dir: filepath.Join(dir, "cmd")})
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, "cmd"), c.From)
			require.Equal(t, 8, c.Files)
			for name, want := range map[string]string{"go.mod": "module example.com/tide\n", "cmd/a b/main.go": "package main\r\n", "empty": "", "data.bin": "\x00\x01\n\n", "déjà": "vu"} {
				text, err := os.ReadFile(filepath.Join(c.Root, name))
				require.NoError(t, err)
				require.Equal(t, want, string(text))
			}
			target, err := os.Readlink(filepath.Join(c.Root, "link"))
			require.NoError(t, err)
			require.Equal(t, "../outside", target)
			info, err := os.Stat(filepath.Join(c.Root, "run.sh"))
			require.NoError(t, err)
			require.NotZero(t, info.Mode()&0o100)
			require.NoFileExists(t, filepath.Join(c.Root, "untracked"))
			require.Equal(t, commit, git(t, c.Root, "rev-parse", "HEAD"))
			require.NoDirExists(t, filepath.Join(c.Root, ".git", "hooks"))
			require.Empty(t, git(t, c.Root, "status", "--porcelain"))
		})
	}
}

// The repository is hostile: its configuration, hooks and attributes name programs.
func TestMake_RunsNothingOfTheRepository(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	mark := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "evil")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$0\" >> "+mark+"\ncat\n"), 0o755))
	for _, key := range []string{"filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "core.sshCommand", "core.gitProxy", "uploadpack.packObjectsHook", "core.alternateRefsCommand", "core.pager", "diff.external"} {
		git(t, dir, "config", key, script)
	}
	git(t, dir, "config", "filter.evil.required", "true")
	git(t, dir, "config", "core.worktree", t.TempDir())
	git(t, dir, "config", "core.autocrlf", "true")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git", "hooks"), 0o755))
	for _, hook := range []string{"post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "hooks", hook), []byte("#!/bin/sh\necho hook >> "+mark+"\n"), 0o755))
	}
	c, err := made(t, checkout.Request{Commit: commit, Dir: dir})
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(c.Root, "cmd", "a b", "main.go"))
	require.NoError(t, err)
	require.Equal(t, "package main\r\n", string(text))
	require.NoFileExists(t, mark)
}

// tree makes a commit of entries that git itself would not add.
func tree(t *testing.T, entries ...string) (dir, commit string) {
	t.Helper()
	dir, _ = repository(t)
	blob := git(t, dir, "rev-parse", "HEAD:run.sh")
	link := git(t, dir, "rev-parse", "HEAD:link")
	var list strings.Builder
	for _, e := range entries {
		list.WriteString(strings.NewReplacer("BLOB", blob, "LINK", link).Replace(e) + "\n")
	}
	cmd := exec.CommandContext(t.Context(), "git", "mktree", "--missing")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, environ(t), strings.NewReader(list.String())
	out, err := cmd.Output()
	require.NoError(t, err)
	return dir, git(t, dir, "commit-tree", "-m", "x", strings.TrimSpace(string(out)))
}

func TestMake_WritesNothingElsewhere(t *testing.T) {
	t.Parallel()
	inner := "040000 tree INNER\tlink"
	for name, entries := range map[string][]string{
		"git's own folder":    {"100644 blob BLOB\t.git"},
		"in another case":     {"100644 blob BLOB\t.GIT"},
		"parent":              {"100644 blob BLOB\t.."},
		"through a link":      {"120000 blob LINK\tlink", inner},
		"an absent object":    {"100644 blob 1111111111111111111111111111111111111111\ta"},
		"the same file twice": {"100644 blob BLOB\ta", "100755 blob BLOB\ta"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := repository(t)
			for i := range entries {
				entries[i] = strings.ReplaceAll(entries[i], "INNER", git(t, dir, "rev-parse", "HEAD:cmd"))
			}
			dir, commit := tree(t, entries...)
			_, err := made(t, checkout.Request{Commit: commit, Dir: dir})
			require.Equal(t, fault.Usage, fault.KindOf(err))
		})
	}
}

func TestMake_LeavesSubmodulesEmpty(t *testing.T) {
	t.Parallel()
	dir, commit := tree(t, "160000 commit 1111111111111111111111111111111111111111\tsub", "100644 blob BLOB\ta")
	c, err := made(t, checkout.Request{Commit: commit, Dir: dir})
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(c.Root, "sub"))
	require.Equal(t, 1, c.Files)
}

func TestMake_FindsDamage(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	blob, other := git(t, dir, "rev-parse", "HEAD:run.sh"), git(t, dir, "rev-parse", "HEAD:go.mod")
	at := func(id string) string { return filepath.Join(dir, ".git", "objects", id[:2], id[2:]) }
	text, err := os.ReadFile(at(other))
	require.NoError(t, err)
	require.NoError(t, os.Remove(at(blob)))
	require.NoError(t, os.WriteFile(at(blob), text, 0o444))
	_, err = made(t, checkout.Request{Commit: commit, Dir: dir})
	require.Equal(t, fault.Usage, fault.KindOf(err))
}

// server gives a repository by HTTPS, as forges do.
func server(t *testing.T, dir string, single bool) (url string, env []string) {
	t.Helper()
	backend := filepath.Join(git(t, dir, "--exec-path"), "git-http-backend")
	project := filepath.Dir(dir)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !single && r.Header.Get("Git-Protocol") != "" {
			r.Header.Del("Git-Protocol") // version 0 gives the tips of branches only
		}
		(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + project, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + project,
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}, InheritEnv: []string{"PATH"}}).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644))
	return s.URL + "/" + filepath.Base(dir) + "/.git", environ(t, "GIT_SSL_CAINFO="+ca)
}

func TestMake_FetchesWhatTheFolderDoesNotHave(t *testing.T) {
	t.Parallel()
	for name, single := range map[string]bool{"single commits": true, "branches only": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, commit := repository(t)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o644))
			committed(t, dir)
			url, env := server(t, dir, single)
			elsewhere, _ := repository(t)
			require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module x\n"), 0o644))
			git(t, elsewhere, "commit", "-q", "--amend", "--all", "-m", "other")
			git(t, elsewhere, "reflog", "expire", "--expire=all", "--all")
			git(t, elsewhere, "gc", "-q", "--prune=now")
			c, err := made(t, checkout.Request{Commit: commit, Dir: elsewhere, URL: "git+" + url + "@" + commit, Env: env})
			require.NoError(t, err)
			require.Equal(t, url, c.From)
			text, err := os.ReadFile(filepath.Join(c.Root, "go.mod"))
			require.NoError(t, err)
			require.Equal(t, "module example.com/tide\n", string(text))

			_, err = made(t, checkout.Request{Commit: strings.Repeat("1", 40), URL: url, Env: env})
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.ErrorContains(t, err, "--src")
		})
	}
}

// A provenance may name any place; these are forms that read this machine or run programs.
func TestMake_FetchesBySafeProtocolsOnly(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	for _, url := range []string{
		"", "file://" + dir, dir, "ext::sh -c evil", "http://example.com/a", "git://example.com/a", "https://", "https:example.com/a", "-oProxyCommand=evil",
		"ssh://-oProxyCommand=evil/a", "ssh://git:secret@example.com/a", "https://user@example.com/a", "https://user:secret@example.com/a", "ssh://-x@example.com/a",
		"ssh://example.com/-x", "https://example.com/a?service=x", "https://example.com/%0aa", "fd::3", "git@example.com:a/b",
	} {
		_, err := made(t, checkout.Request{Commit: commit, URL: url})
		require.Equal(t, fault.Usage, fault.KindOf(err), url)
		require.ErrorContains(t, err, "no source folder has the commit", url)
		require.NotContains(t, err.Error(), "secret")
	}
	for _, commit := range []string{"", "HEAD", "--output=x", commit[:39], strings.ToUpper(commit) + "x"} {
		_, err := made(t, checkout.Request{Commit: commit, Dir: dir})
		require.ErrorContains(t, err, "is no commit id")
	}
}

// What a user's own configuration makes of a URL does not widen the protocols.
func TestMake_FollowsNoRewritingToAnotherProtocol(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	config := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(config, []byte("[url \"file://"+dir+"\"]\n\tinsteadOf = https://example.com/tide\n[protocol]\n\tallow = always\n"), 0o644))
	env := append(environ(t), "GIT_CONFIG_GLOBAL="+config)
	_, err := made(t, checkout.Request{Commit: commit, URL: "https://example.com/tide", Env: env})
	require.ErrorContains(t, err, "could not be fetched")
}

func TestMake_NeedsGit(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	_, err := made(t, checkout.Request{Commit: commit, Dir: dir, Env: []string{"PATH=" + t.TempDir()}})
	require.ErrorContains(t, err, "git is not installed")
	require.Equal(t, fault.Usage, fault.KindOf(err))
}

func TestMake_OnlyReadsTheSource(t *testing.T) {
	t.Parallel()
	dir, commit := repository(t)
	before := snapshot(t, dir)
	_, err := made(t, checkout.Request{Commit: commit, Dir: dir})
	require.NoError(t, err)
	require.Equal(t, before, snapshot(t, dir))
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		all[name] = info.Mode().String() + info.ModTime().String()
		return err
	}))
	return all
}
