package rig

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SSH is Debian's OpenSSH server with a key of the test's own, which lets in root with
// one other key.
type SSH struct {
	// Host and Port are its address.
	Host, Port string
	// Key is the file of the private key that it lets in.
	Key string
	// Known is the server's own key as clients keep it in known_hosts.
	Known string
}

// NewSSH starts a server on a host of this machine. Whom it lets in finds programs in
// path alone: without a home folder no file of the shell changes that.
func NewSSH(t *testing.T, host, path string) *SSH {
	t.Helper()
	Root(t)
	program, keygen := Program(t, "sshd", "openssh-server"), Program(t, "ssh-keygen", "openssh-client")
	// Debian's server wants this folder, which its package has a service make.
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755))
	dir := t.TempDir()
	s := &SSH{Host: host, Key: filepath.Join(dir, "user")}
	for _, name := range []string{"host", "user"} {
		Must(t, dir, Environ(), keygen, "-q", "-t", "ed25519", "-N", "", "-C", "a test's", "-f", name)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	_, s.Port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	public, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	require.NoError(t, err)
	s.Known = fmt.Sprintf("[%s]:%s %s", host, s.Port, public)
	config := filepath.Join(dir, "sshd_config")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `ListenAddress %s
Port %s
HostKey %s/host
AuthorizedKeysFile %s.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
SetEnv HOME=/nowhere PATH=%s
`, host, s.Port, dir, s.Key, path), 0o600))
	Daemon(t, Environ(), program, "-D", "-e", "-f", config)
	Eventually(t, 2*time.Minute, "the SSH server answers", func() bool {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, s.Port), 10*time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return s
}

// Client is a folder with an ssh program that knows the server and has that key: the
// real one takes its configuration from the folder of the machine's user.
func (s *SSH) Client(t *testing.T, key string) string {
	t.Helper()
	program, dir := Program(t, "ssh", "openssh-client"), t.TempDir()
	config := filepath.Join(dir, "config")
	for name, text := range map[string]string{
		"known_hosts": s.Known,
		"config":      fmt.Sprintf("UserKnownHostsFile %s/known_hosts\nIdentityFile %s\nIdentitiesOnly yes\nBatchMode yes\n", dir, key),
		"ssh":         fmt.Sprintf("#!/bin/sh\nexec %s -F %s \"$@\"\n", program, config),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	}
	return dir
}

// Agent starts an agent that has the key, and returns its socket.
func (s *SSH) Agent(t *testing.T) string {
	t.Helper()
	// The path of a socket has to be short.
	dir, err := os.MkdirTemp("", "agent-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "agent")
	Daemon(t, Environ(), Program(t, "ssh-agent", "openssh-client"), "-D", "-a", socket)
	add, env := Program(t, "ssh-add", "openssh-client"), append(Environ(), "SSH_AUTH_SOCK="+socket)
	Eventually(t, 2*time.Minute, "the SSH agent takes the key", func() bool { return Run(t, "", env, add, "-q", s.Key).Code == 0 })
	return socket
}

// Secret is the last line of the private key.
func (s *SSH) Secret(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.Key)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Greater(t, len(lines), 3)
	// The first lines of any such key are alike.
	return lines[len(lines)-2]
}
