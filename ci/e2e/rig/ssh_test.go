package rig_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

func TestSSH_LetsInItsKeyAlone(t *testing.T) {
	rig.Slow(t)
	s := rig.NewSSH(t, "127.0.0.1", "/usr/bin:/bin")
	call := func(key string) rig.Result {
		return rig.Run(t, "", rig.Environ(), filepath.Join(s.Client(t, key), "ssh"), "-l", "root", "-p", s.Port, "--", s.Host, "echo", "$PATH")
	}
	r := call(s.Key)
	require.Zero(t, r.Code, r.Stderr)
	require.Equal(t, "/usr/bin:/bin\n", r.Stdout)
	other := filepath.Join(t.TempDir(), "key")
	rig.Must(t, "", rig.Environ(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)
	require.NotZero(t, call(other).Code)
	require.Contains(t, rig.Must(t, "", append(rig.Environ(), "SSH_AUTH_SOCK="+s.Agent(t)), "ssh-add", "-l"), "ED25519")
	text, err := os.ReadFile(s.Key)
	require.NoError(t, err)
	require.Contains(t, string(text), s.Secret(t))
}
