package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// builds builds a source in the engine as a user with that home folder and those
// variables more.
type builds func(t *testing.T, src, home string, env ...string) rig.Result

// repository is a private module that comes by git: its path ends in .git, so that the
// go command asks nobody where it is.
func (p *closedProxy) repository(t *testing.T, name string) (src, module string) {
	t.Helper()
	module = privateHost + "/" + name + ".git"
	return needing(t, module, released(t, module, filepath.Join(p.repositories, name+".git"))), module
}

// homeWith is a home folder with files.
func homeWith(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		file := filepath.Join(home, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return home
}

// instead are the lines of git's configuration that name another address for all of
// the private host, in each of the protocols that the go command tries.
func instead(address string) string {
	return fmt.Sprintf("[url %q]\n\tinsteadOf = https://%s/\n\tinsteadOf = git+ssh://%[2]s/\n\tinsteadOf = ssh://%[2]s/\n", address, privateHost)
}

// requireByGit wants modules that git fetches, with the password from each place where
// the user may have it.
func requireByGit(t *testing.T, p *closedProxy, here string, build builds) {
	t.Helper()
	open, closed := "https://"+here+":"+p.port+"/git/", "https://gopher:"+p.password+"@"+here+":"+p.port+"/git/"
	private := "GOPRIVATE=" + privateHost
	for name, c := range map[string]struct {
		files map[string]string
		env   []string
	}{
		"netrc":     {map[string]string{".gitconfig": instead(open), ".netrc": "machine " + here + " login gopher password " + p.password + "\n"}, nil},
		"helper":    {map[string]string{".gitconfig": instead(open) + "[credential]\n\thelper = \"!f() { echo username=gopher; echo password=" + p.password + "; }; f\"\n"}, nil},
		"address":   {map[string]string{".gitconfig": instead(closed)}, nil},
		"variables": {nil, []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + closed + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + privateHost + "/"}},
		"none":      {map[string]string{".gitconfig": instead(open)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			src, module := p.repository(t, name)
			before := p.admitted.Load()
			r := build(t, src, homeWith(t, c.files), append(c.env, private)...)
			require.NotContains(t, r.Stderr, p.password)
			if name == "none" {
				require.Equal(t, cli.ExitSource, r.Code, r.Stderr)
				require.Contains(t, sentence(t, r), "git did not get "+module+" from "+privateHost)
				return
			}
			digestOf(t, r)
			require.Greater(t, p.admitted.Load(), before)
		})
	}
}

// requireBySSH wants a module that git fetches from a real SSH server with the key of
// the user's agent, and returns a text that only the key has.
func requireBySSH(t *testing.T, p *closedProxy, here string, build builds) (key string) {
	t.Helper()
	server := rig.NewSSH(t, here, "/usr/bin:/bin")
	agent := server.Agent(t)
	home := homeWith(t, map[string]string{
		".gitconfig":       instead("ssh://root@" + here + ":" + server.Port + p.repositories + "/"),
		".ssh/known_hosts": server.Known,
	})
	src, module := p.repository(t, "ssh")
	private := "GOPRIVATE=" + privateHost
	t.Run("by git over ssh, not without the agent", func(t *testing.T) {
		r := build(t, src, home, private, "SSH_AUTH_SOCK=")
		require.Equal(t, cli.ExitSource, r.Code, r.Stderr)
		require.Contains(t, sentence(t, r), "git did not get "+module+" from "+privateHost)
	})
	t.Run("by git over ssh, with it", func(t *testing.T) { digestOf(t, build(t, src, home, private, "SSH_AUTH_SOCK="+agent)) })
	return server.Secret(t)
}
