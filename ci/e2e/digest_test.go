package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// golden is the digest of the fixture's image. Whatever changes it changes every
// image that users have built: it takes a line in the changelog.
const golden = "sha256:cc4149f911b0ddc4b398561aeba2c1b8f9f06445d0787134fab03a04b0acfefc"

// One digest everywhere: each case changes something that must not matter.
func TestBuild_GivesOneDigestEverywhere(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	build := func(t *testing.T, program, src string, env []string) string {
		t.Helper()
		return digestOf(t, rig.Run(t, t.TempDir(), env, program, "build", "--src", src, "--base", "builtin", "--builder", builder, "--no-record"))
	}
	clone := func(t *testing.T, url string, env ...string) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "elsewhere", "a folder")
		rig.Must(t, "", append(rig.Environ(), env...), "git", "clone", "--quiet", url, dir)
		return dir
	}
	cases := map[string]func(t *testing.T) string{
		"as it is": func(t *testing.T) string { return build(t, slipway(t), src, environment(t)) },
		"another time zone and language": func(t *testing.T) string {
			return build(t, slipway(t), src, environment(t, "TZ=Asia/Jakarta", "LC_ALL=C", "LANG=tr_TR.UTF-8"))
		},
		"settings of the go command": func(t *testing.T) string {
			return build(t, slipway(t), src, environment(t, "GOFLAGS=-v", "GOAMD64=v3", "GOARM64=v9.0", "CGO_ENABLED=1", "GOFIPS140=latest", "GOEXPERIMENT=arenas", "GODEBUG=http2client=0", "GOWORK=/nowhere/go.work", "CC=false", "GOTOOLCHAIN=go1.26.8", "GOCACHE=/nowhere"))
		},
		"a local clone": func(t *testing.T) string {
			dir := clone(t, "file://"+src)
			git(t, dir, "checkout", "--quiet", "-b", "another-branch")
			return build(t, slipway(t), dir, environment(t))
		},
		"a clone over ssh": func(t *testing.T) string {
			// git speaks to the program that it takes for ssh as to ssh itself.
			ssh := filepath.Join(t.TempDir(), "ssh")
			require.NoError(t, os.WriteFile(ssh, []byte("#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n"), 0o755))
			return build(t, slipway(t), clone(t, "ssh://git@example.com"+src, "GIT_SSH="+ssh, "GIT_SSH_VARIANT=simple"), environment(t))
		},
		"from within the folder, with other modes": func(t *testing.T) string {
			dir := clone(t, "file://"+src)
			require.NoError(t, os.Chmod(filepath.Join(dir, "table", "table.go"), 0o600))
			require.NoError(t, os.Chmod(dir, 0o700))
			return digestOf(t, rig.Run(t, dir, environment(t), "sh", "-c", `umask 077; exec "$@"`, "sh",
				slipway(t), "build", "--base", "builtin", "--builder", builder, "--output", t.TempDir()))
		},
		"changed files that are not in the image": func(t *testing.T) string {
			dir := clone(t, "file://"+src)
			for _, name := range []string{"README.md", "table/table_test.go", "new.txt"} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("package table\n"), 0o644))
			}
			return build(t, slipway(t), dir, environment(t))
		},
		"another user with an empty cache": func(t *testing.T) string {
			rig.Root(t)
			home := t.TempDir()
			require.NoError(t, os.Chown(home, 65534, 65534))
			copied := filepath.Join(home, "tide")
			rig.Must(t, "", rig.Environ(), "cp", "-r", src, copied)
			rig.Must(t, "", rig.Environ(), "chown", "-R", "65534:65534", copied)
			program := filepath.Join(home, "slipway")
			rig.Must(t, "", rig.Environ(), "cp", slipway(t), program)
			openUp(t, home)
			return digestOf(t, rig.Run(t, home, append(rig.Environ(), "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache")),
				"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "build", "--src", copied, "--base", "builtin", "--builder", builder))
		},
		"Slipway compiled by Go 1.27.2": func(t *testing.T) string {
			program := filepath.Join(t.TempDir(), "slipway")
			rig.Must(t, repository(t), append(rig.Environ(), "GOTOOLCHAIN=go1.27.2"), "go", "build", "-o", program, "./ci")
			env := environment(t, "SLIPWAY_CACHE="+t.TempDir())
			compiled(t, env) // the same compiler gives the same objects, whoever calls it
			return build(t, program, src, env)
		},
	}
	for name, digest := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, golden, digest(t))
		})
	}
}

// openUp lets another user walk down to a temporary folder of this test.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(dir, info.Mode().Perm()|0o011))
	}
}

// What is in the image changes the digest.
func TestBuild_GivesAnotherDigestForAnotherImage(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	build := func(args ...string) string {
		all := append([]string{"build", "--src", src, "--base", "builtin", "--builder", builder, "--platform", "linux/amd64"}, args...)
		return digestOf(t, rig.Run(t, t.TempDir(), environment(t), slipway(t), all...))
	}
	seen := map[string]string{build(): "nothing"}
	for _, args := range [][]string{
		{"--label", "a=b"}, {"--port", "9090"}, {"--set", "main.version=x"}, {"--tags", "x"}, {"--epoch", "1"}, {"--base", "scratch"},
		{"--certs", "bundled"}, {"--user", "1000:1000"}, {"--strip", "none"}, {"--platform", "linux/amd64/v3"},
	} {
		digest := build(args...)
		require.NotContains(t, seen, digest, "%s gives the image of %s", args, seen[digest])
		seen[digest] = args[0]
	}
}
