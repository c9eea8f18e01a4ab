package e2e_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// What is no input neither runs, nor changes the image, nor takes the machine's
// time.
func TestHostile_WhatIsNoInputChangesNothing(t *testing.T) {
	rig.Slow(t)
	digest := digestOf(t, buildSource(t, patience, fixture(t), environment(t)))
	plain := buildSource(t, patience, fixture(t), environment(t))
	require.Equal(t, digest, digestOf(t, plain), "with all that is compiled at hand")
	for name, prepare := range map[string]func(t *testing.T, src string, x trap){
		"programs in the configuration of git": func(t *testing.T, src string, x trap) {
			spring(t, src, x)
			// git itself walks into it, which shows that it is there.
			rig.Run(t, src, rig.Environ(), "git", "status")
			require.FileExists(t, x.marker)
			require.NoError(t, os.Remove(x.marker))
		},
		"a .git of 1 GB": func(t *testing.T, src string, _ trap) {
			sparse(t, filepath.Join(src, ".git", "objects", "pack", "pack-0123456789012345678901234567890123456789.pack"), 1<<30)
			sparse(t, filepath.Join(src, ".git", "objects", "pack", "tmp_pack_junk"), 1<<30)
		},
		"2 GB of junk": func(t *testing.T, src string, _ trap) {
			for _, file := range []string{"junk", "assets/junk.bin", "testdata/junk.go", "table/junk.bin"} {
				sparse(t, filepath.Join(src, filepath.FromSlash(file)), 2<<30)
			}
		},
		"10,000 folders, one in another": func(t *testing.T, src string, _ trap) { nest(t, src, 10_000) },
		"10,000 folders side by side": func(t *testing.T, src string, _ trap) {
			for i := range 10_000 {
				put(t, src, fmt.Sprintf("folders/d%d/d.go", i), "package d\n")
			}
		},
		"sockets, pipes and names": func(t *testing.T, src string, _ trap) {
			require.NoError(t, syscall.Mkfifo(filepath.Join(src, "pipe"), 0o644))
			require.NoError(t, syscall.Mkfifo(filepath.Join(src, "cmd", "tide", "pipe"), 0o644))
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: shortSocket(t, src), Net: "unix"})
			require.NoError(t, err)
			t.Cleanup(func() { l.Close() })
			for _, name := range []string{"a space", "a\nline break", "\xff\xfe", "'quotes\"", "-flag", "$(touch x)", "a\x1b[2J"} {
				put(t, src, name, "junk")
				put(t, src, "cmd/tide/"+name, "junk")
				put(t, src, name+".d/"+name, "junk")
			}
		},
		"links that lead out": func(t *testing.T, src string, _ trap) {
			for name, to := range map[string]string{"shadow": secret, "root": "/", "cmd/tide/shadow": secret, "self": ".", "Dockerfile": secret, "loop": "loop"} {
				require.NoError(t, os.Symlink(to, filepath.Join(src, name)))
			}
		},
		"a read-only folder": func(t *testing.T, src string, _ trap) {
			rig.Root(t)
			rig.Must(t, "", rig.Environ(), "mount", "--bind", src, src)
			t.Cleanup(func() { rig.Must(t, "", rig.Environ(), "umount", src) })
			rig.Must(t, "", rig.Environ(), "mount", "-o", "remount,bind,ro", src)
			require.Error(t, os.WriteFile(filepath.Join(src, "x"), nil, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, src := newTrap(t), fixture(t)
			prepare(t, src, x)
			r := buildSource(t, patience, src, environment(t))
			require.Equal(t, digest, digestOf(t, r))
			require.Less(t, r.CPU, plain.CPU+10*time.Second)
			x.requireUntouched(t)
			requireNoSecret(t, r.Stderr)
		})
	}
}

// sparse makes a file that is large and takes no room.
func sparse(t *testing.T, file string, size int64) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	f, err := os.Create(file)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(size))
}

// nest makes a chain of folders whose path is longer than the system takes.
func nest(t *testing.T, dir string, depth int) {
	t.Helper()
	top := filepath.Join(dir, "d")
	t.Cleanup(func() { rig.Must(t, "", rig.Environ(), "rm", "-rf", top) })
	at, err := syscall.Open(dir, syscall.O_DIRECTORY, 0)
	require.NoError(t, err)
	for range depth {
		require.NoError(t, syscall.Mkdirat(at, "d", 0o755))
		below, err := syscall.Openat(at, "d", syscall.O_DIRECTORY, 0)
		require.NoError(t, err)
		require.NoError(t, syscall.Close(at))
		at = below
	}
	require.NoError(t, syscall.Close(at))
}

// shortSocket is the path of a socket in a folder by a short name of the folder:
// socket paths have at most 107 bytes on Linux, temporary folders of tests more.
func shortSocket(t *testing.T, dir string) string {
	t.Helper()
	short := filepath.Join(os.TempDir(), "slipway-"+rand.Text()[:8])
	require.NoError(t, os.Symlink(dir, short))
	t.Cleanup(func() { os.Remove(short) })
	return filepath.Join(short, "socket")
}

// A build runs no part of the source, whatever the source says is to be run.
func TestHostile_ABuildRunsNoPartOfTheSource(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	x := newTrap(t)
	touch := fmt.Sprintf("\nimport \"os/exec\"\n\nfunc init() { _ = exec.Command(%q).Run() }\n", x.program)
	src := module(t, map[string]string{
		// The nonce makes the compiler run: an earlier binary is not used again.
		"main.go":        "//go:generate " + x.program + "\npackage main\n\nimport \"example.com/tide/table\"\n\nfunc main() { print(table.High, \"" + rand.Text() + "\") }\n",
		"main_test.go":   "package main\n" + touch + "\nfunc TestMain(m *testing.M) {}\n",
		"table/table.go": "//go:generate " + x.program + "\n// Package table knows the tides.\npackage table\n" + touch + "\n// High is the time of high water.\nconst High = \"06:12\"\n",
		"table/cgo.go":   "package table\n\n// #cgo LDFLAGS: -fplugin=" + x.program + "\nimport \"C\"\n",
		"tools.go":       "//go:build ignore\n\npackage main\n" + touch,
		"Makefile":       "all:\n\t" + x.program + "\n",
		"go.env":         "GOFLAGS=-toolexec=" + x.program + "\n",
	})
	digestOf(t, buildSource(t, 4*time.Minute, src, environment(t)))
	x.requireUntouched(t)
}
