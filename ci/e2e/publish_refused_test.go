package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
)

// Who may not push is told so before anything is built: which registry, which
// repository, which right.
func TestPublish_RefusalsNameTheRight(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	wrong := rig.Login{User: rig.Writer.User, Password: "w-e2e-wrong-Pd93"}
	for name, m := range map[string]struct {
		kind, repository string
		who              rig.Login
		between          rig.Around
		word             string
	}{
		"a wrong password for htpasswd":         {"docker-registry, htpasswd", "team/tide", wrong, nil, "password"},
		"a wrong password behind TLS":           {"docker-registry, htpasswd, TLS", "team/tide", wrong, nil, "password"},
		"a wrong password for tokens":           {"docker-registry, tokens", "team/tide", wrong, nil, "password"},
		"who may only read":                     {"docker-registry, tokens", "team/tide", rig.Reader, nil, "push"},
		"who may only read, distribution":       {"distribution, tokens", "team/tide", rig.Reader, nil, "push"},
		"another's repository":                  {"distribution, tokens", "other/tide", rig.Writer, nil, "push"},
		"a repository that has to be made":      {"docker-registry", "team/tide", rig.Login{}, rig.Existing("team/harbour"), "no repository"},
		"a registry that allows nobody to push": {"docker-registry", "team/tide", rig.Login{}, rig.Refusing(), "push"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kindOf(t, m.kind).open(t)
			h.env = h.Environ(t, m.who)
			if m.between != nil {
				h.Proxy.Between(m.between)
			}
			target := h.Address + "/" + m.repository
			p := h.publish(t, "", src, "--target", target)
			p.requireRefused(t, h.Address, m.repository, m.word)
			require.NotContains(t, p.Stderr, wrong.Password)
			require.NotContains(t, p.Stderr, wrong.Basic())
			require.NoDirExists(t, filepath.Join(p.out, "tide"), "nothing is built")
			require.Empty(t, h.writes(), "nothing is sent")
			p.requireStopped(t, receipt.Stopped, "registry", 30, "preflight "+target)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		h := kindOf(t, "docker-registry, htpasswd").open(t)
		h.env = []string{"DOCKER_CONFIG=" + t.TempDir()}
		h.publish(t, "tide", src).requireRefused(t, h.Address, "team/tide")
	})
}

// A token that expires in the middle of a publish is asked for again. Those that are given
// then live as long as others: a busy machine may not use them at once.
func TestPublish_TokensExpire(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	const life = 5 * time.Second
	h := registryKind{start: func(t *testing.T) *rig.RegistryServer {
		return rig.NewRegistry(t, rig.RegistryOptions{Auth: rig.Token, Lifetime: life})
	}}.open(t)
	hold := rig.NewHold()
	h.Proxy.Between(hold.Before(func(r rig.Request) bool { return r.Kind == rig.ManifestPut }))
	go func() {
		<-hold.Arrived
		h.Tokens.Live(5 * time.Minute)
		time.Sleep(life + time.Second)
		hold.Release()
	}()
	t.Cleanup(hold.Release)
	h.publish(t, "tide", fixture(t)).digest(t, h.repository("tide"))
	h.requireComplete(t, h.repository("tide"))
	require.Greater(t, len(h.Tokens.Issued()), 1)
}

// A password can come from a file, and then nothing else is asked.
func TestPublish_TokenFile(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	h := registryKind{start: func(t *testing.T) *rig.RegistryServer {
		return rig.NewRegistry(t, rig.RegistryOptions{Auth: rig.Token})
	}}.open(t)
	h.env = []string{"DOCKER_CONFIG=" + t.TempDir()}
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(rig.Writer.User+":"+rig.Writer.Password+"\n"), 0o600))
	h.publish(t, "tide", fixture(t), "--registry-token-file", h.Address+"="+file).digest(t, h.repository("tide"))
}

// Of sources that differ from the commit nobody could tell what is in the image. That is
// said before they are built.
func TestPublish_WantsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	h := kindOf(t, "docker-registry").open(t)
	src := fixture(t)
	put(t, src, "table/table.go", tree["table/table.go"]+"\n// edited\n")
	p := h.publish(t, "tide", src, "--image-tag", "type=raw,value=try")
	require.Equal(t, 2, p.Code, p.Stderr)
	require.Contains(t, sentence(t, p.Result), "differ from the commit")
	require.NotContains(t, p.Stderr, "build linux")
	require.Empty(t, h.writes())
	h.publish(t, "tide", src, "--image-tag", "type=raw,value=try", "--allow-dirty").digest(t, h.repository("tide"))
}
