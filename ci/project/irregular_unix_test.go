//go:build unix

package project_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

// soon fails a test that hangs, which is what a reader does that opens a pipe.
func soon(t *testing.T, work func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("it hangs")
	}
}

func TestRead_OpensNoPipesAndSockets(t *testing.T) {
	dir := folder(t, files{"go.mod": tide, "cmd/a/main.go": program, "cmd/b/lib.go": "package b\n", "sp ace/new\nline.go": "package x\n"})
	for _, pipe := range []string{"pipe.go", "cmd/a/pipe.go", "cmd/b/pipe.go", "go.work"} {
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, pipe), 0o600))
	}
	require.NoError(t, os.Symlink("pipe.go", filepath.Join(dir, "cmd", "a", "link.go")))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "cmd", "a", "zero.go")))
	t.Chdir(dir) // a socket's path is short
	l, err := net.Listen("unix", "socket.go")
	require.NoError(t, err)
	defer l.Close()

	var p *project.Project
	soon(t, func() { _, err = read(t, dir) })
	require.Contains(t, usage(t, err), "go.work cannot be read: it is not a regular file")
	require.NoError(t, os.Remove("go.work"))
	soon(t, func() { p, err = read(t, dir) })
	require.NoError(t, err)
	require.Equal(t, []string{"./cmd/a"}, dirs(p.Mains))

	require.NoError(t, os.Remove("go.mod"))
	require.NoError(t, syscall.Mkfifo("go.mod", 0o600))
	soon(t, func() { _, err = read(t, dir) })
	require.Contains(t, usage(t, err), "go.mod cannot be read: it is not a regular file")
}
