package rig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Machine is the root folder of a bare Debian machine: what a minimal system has,
// the certificates to reach a module proxy, and Go.
type Machine struct {
	// Root is its root folder on this machine.
	Root string
}

// NewMachine makes a bare machine out of Debian's packages and this machine's Go.
func NewMachine(t *testing.T) *Machine {
	t.Helper()
	Root(t)
	program := Program(t, "mmdebstrap", "mmdebstrap")
	root := filepath.Join(t.TempDir(), "root")
	Must(t, "", Environ(), program, "--quiet", "--variant=minbase", "--include=ca-certificates", "bookworm", root)
	m := &Machine{Root: root}
	for _, dir := range []string{"usr/local/go", "proc", "work"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	// The network of this machine, with its names and its certificates.
	for _, file := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"} {
		if text, err := os.ReadFile(file); err == nil {
			require.NoError(t, os.WriteFile(filepath.Join(root, file), text, 0o644))
		}
	}
	return m
}

// Run runs a program on the bare machine in a mount namespace of its own, so that
// nothing stays mounted.
func (m *Machine) Run(t *testing.T, dir string, args ...string) Result {
	t.Helper()
	env := []string{"HOME=/root", "PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DIR=" + dir, "ROOT=" + m.Root, "GOROOT_HERE=" + Must(t, "", append(Environ(), "GOTOOLCHAIN=local"), "go", "env", "GOROOT")}
	for _, kv := range Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasSuffix(strings.ToUpper(name), "_PROXY") || name == "GOPROXY" || name == "GOSUMDB" {
			env = append(env, kv)
		}
	}
	// The script is constant; what varies reaches it as variables and arguments.
	const script = `set -e
mount --bind "$GOROOT_HERE" "$ROOT/usr/local/go"
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"
exec chroot "$ROOT" /bin/sh -c 'cd "$DIR" && exec "$@"' sh "$@"`
	return Run(t, "", env, "unshare", append([]string{"--mount", "--fork", "--pid", "--kill-child", "sh", "-c", script, "sh"}, args...)...)
}
