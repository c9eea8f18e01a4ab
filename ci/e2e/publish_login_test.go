package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/auth"
)

// helped is an environment in which docker's configuration names a credential helper,
// which is a shell script.
func (h *harborage) helped(t *testing.T, config map[string]any, script string) []string {
	t.Helper()
	dir := t.TempDir()
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-credential-moor"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	return []string{"DOCKER_CONFIG=" + written(t, config), "PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")}
}

// written is a folder with a configuration of docker's.
func written(t *testing.T, config map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600))
	return dir
}

// answering is a helper that knows the password of one registry.
func answering(server string) string {
	return fmt.Sprintf(`read -r server
[ "$1" = get ] && [ "$server" = %q ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL":"x","Username":"%s","Secret":"%s"}'
`, server, rig.Writer.User, rig.Writer.Password)
}

// A password can come from a credential helper: of the registry, or of all.
func TestPublish_AsksCredentialHelpers(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	stale := map[string]any{"auth": rig.Login{User: rig.Writer.User, Password: "w-e2e-stale-Qz41"}.Basic()}
	for name, config := range map[string]func(host string) map[string]any{
		"of the registry": func(host string) map[string]any {
			return map[string]any{"credHelpers": map[string]any{host: "moor"}, "auths": map[string]any{host: stale}}
		},
		"of all": func(host string) map[string]any {
			return map[string]any{"credsStore": "moor", "auths": map[string]any{host: map[string]any{}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kindOf(t, "docker-registry, htpasswd").open(t)
			h.env = h.helped(t, config(h.Address), answering(h.Address))
			h.publish(t, "tide", src).digest(t, h.repository("tide"))
		})
	}
}

// A helper that breaks down ends a publish before anything is built, in one sentence
// without what the helper said, and the receipt says so too.
func TestPublish_SaysWhichCredentialHelperFails(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	secret := rig.Writer.Password
	for name, m := range map[string]struct{ helper, script, word string }{
		"fails":         {"moor", "echo " + secret + "; echo " + secret + " >&2; exit 3\n", "it failed"},
		"hangs":         {"moor", "sleep 300\n", "no answer within 30s"},
		"says nonsense": {"moor", "echo " + secret + "\n", "its answer is not what a helper says"},
		"is missing":    {"moor", "", "docker-credential-moor, which is not installed"},
		"is no name":    {"../moor", "", "which is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := kindOf(t, "docker-registry, htpasswd").open(t)
			h.env = h.helped(t, map[string]any{"credHelpers": map[string]any{h.Address: m.helper}}, m.script)
			began := time.Now()
			p := h.publish(t, "tide", src)
			require.Less(t, time.Since(began), 3*time.Minute)
			p.requireRefused(t, h.Address, m.word)
			require.NoDirExists(t, filepath.Join(p.out, "tide"), "nothing is built")
			require.Empty(t, h.writes())
			p.requireStopped(t, receipt.Stopped, "registry", 30, "preflight "+h.repository("tide"))
		})
	}
}

// requireStopped wants a receipt that says how far a run came and what ended it.
func (p published) requireStopped(t *testing.T, verdict receipt.Verdict, kind string, exit int, step string) *receipt.Receipt {
	t.Helper()
	r := readReceipt(t, p.out)
	require.NotNil(t, r, "%s", p.Stderr)
	require.Equal(t, verdict, r.Verdict)
	require.NotNil(t, r.Failure)
	require.Equal(t, []any{kind, exit, step}, []any{r.Failure.Kind, r.Failure.Exit, r.Failure.Step})
	require.Equal(t, "publish", r.Run.Request.Verb)
	require.NotEmpty(t, r.Run.Steps)
	return r
}

// What is said for this run is stronger than what somebody stored once: a file, then the
// environment, then docker's configuration.
func TestPublish_TakesTheStrongestPassword(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	h := kindOf(t, "docker-registry, htpasswd").open(t)
	wrong := rig.Login{User: rig.Writer.User, Password: "w-e2e-wrong-Pd93"}
	file := func(l rig.Login) string {
		name := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(name, []byte(l.User+":"+l.Password+"\n"), 0o600))
		return name
	}
	variables := func(l rig.Login) []string {
		return []string{"SLIPWAY_REGISTRY_USER=" + l.User, "SLIPWAY_REGISTRY_PASSWORD=" + l.Password}
	}
	right, stored := h.Environ(t, rig.Writer), h.Environ(t, wrong)
	for name, m := range map[string]struct {
		env    []string
		args   []string
		source string // of the password that is refused
	}{
		"a file before the environment":                 {append(variables(wrong), stored...), []string{"--registry-token-file", h.Address + "=" + file(rig.Writer)}, ""},
		"the environment before docker's configuration": {append(variables(rig.Writer), stored...), nil, ""},
		"a wrong one in the environment all the same":   {append(variables(wrong), right...), nil, "SLIPWAY_REGISTRY_PASSWORD"},
		"a wrong one in a file all the same":            {append(variables(rig.Writer), right...), []string{"--registry-token-file", h.Address + "=" + file(wrong)}, "token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			p := published{rig.Run(t, "", environment(t, m.env...), slipway(t), publishArgs(src, out, h.repository("tide"), m.args...)...), out}
			h.requireNoSecrets(t, p.Result, out)
			require.NotContains(t, p.Stderr, wrong.Password)
			if m.source == "" {
				p.digest(t, h.repository("tide"))
				return
			}
			p.requireRefused(t, h.Address, m.source)
		})
	}
}

// The token of a GitHub job is for ghcr.io, whatever docker's configuration has for it.
// The registry that answers in its place is of this machine.
func TestPublish_GitHubsTokenIsForItsRegistry(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	h := kindOf(t, "docker-registry, htpasswd, TLS").open(t)
	trust := h.Trust(t)
	trust.ServerName, _, _ = net.SplitHostPort(h.Address)
	to := &http.Transport{TLSClientConfig: trust, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, h.Address)
	}}
	t.Cleanup(to.CloseIdleConnections)
	stale := map[string]any{"auth": rig.Login{User: rig.Writer.User, Password: "w-e2e-stale-Qz41"}.Basic()}
	env := map[string]string{
		"DOCKER_CONFIG": written(t, map[string]any{"auths": map[string]any{"ghcr.io": stale, "registry.example": stale}}),
		"GITHUB_TOKEN":  rig.Writer.Password, "GITHUB_ACTOR": rig.Writer.User,
	}
	for host, source := range map[string]string{"ghcr.io": "GITHUB_TOKEN", "registry.example": filepath.Join(env["DOCKER_CONFIG"], "config.json")} {
		keys, err := auth.Keychain(auth.Options{Getenv: func(name string) string { return env[name] }, Targets: []string{host}})
		require.NoError(t, err)
		r, err := registry.Open(host+"/team/tide", registry.Options{Push: true, Keychain: keys, Transport: to})
		require.NoError(t, err)
		err = r.CheckPush(t.Context())
		require.Equal(t, host == "ghcr.io", err == nil, "%v", err)
		require.Equal(t, source, r.CredentialSource())
	}
}

// A token server may have a port of its own beside a registry of this machine, for who
// publishes and who verifies.
func TestPublish_TokensFromAnotherPort(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for _, program := range []string{"docker-registry", "distribution"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			h := registryKind{start: func(t *testing.T) *rig.RegistryServer {
				return rig.NewRegistry(t, rig.RegistryOptions{Program: program, Auth: rig.Token, Apart: true})
			}}.open(t)
			image := h.repository("tide") + "@" + h.publish(t, "tide", fixture(t)).digest(t, h.repository("tide"))
			r := rig.Run(t, "", environment(t, h.env...), slipway(t), "verify", image, "--insecure-unsigned")
			require.Zero(t, r.Code, r.Stdout+r.Stderr)
		})
	}
}
