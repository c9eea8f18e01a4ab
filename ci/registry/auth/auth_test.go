package auth_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry/auth"
)

const secret = "s3cr3t-s3cr3t"

// machine is a home with what people have there.
type machine struct {
	home string
	env  map[string]string
	auth.Options
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{home: t.TempDir()}
	m.env = map[string]string{"HOME": m.home, "PATH": filepath.Join(m.home, "bin")}
	m.Getenv = func(key string) string { return m.env[key] }
	m.Targets = []string{"ghcr.io"}
	return m
}

func (m *machine) write(t *testing.T, path string, mode os.FileMode, text string) string {
	t.Helper()
	path = filepath.Join(m.home, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	return path
}

// helper installs a credential helper that answers for one server.
func (m *machine) helper(t *testing.T, name, server, user string) {
	t.Helper()
	m.write(t, "bin/docker-credential-"+name, 0o755, fmt.Sprintf(`#!/bin/sh
read -r server
test "$1" = get || exit 9
test "$server" = %q || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL":"x","Username":%q,"Secret":%q}'
`, server, user, secret))
}

func (m *machine) find(t *testing.T, repository string) (*authn.AuthConfig, string, error) {
	t.Helper()
	keychain, err := auth.Keychain(m.Options)
	if err != nil {
		return nil, "", err
	}
	repo, err := name.NewRepository(repository)
	require.NoError(t, err)
	found, err := authn.Resolve(t.Context(), keychain, repo)
	if err != nil {
		return nil, "", err
	}
	config, err := authn.Authorization(context.Background(), found)
	require.NoError(t, err)
	source := ""
	if s, ok := found.(interface{ Source() string }); ok {
		source = s.Source()
	}
	return config, source, nil
}

func basic(user string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
}

func TestKeychain_LooksInOrder(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.NotNil(t, m)
	expect := func(user, source string) {
		t.Helper()
		config, from, err := m.find(t, "ghcr.io/team/server")
		require.NoError(t, err)
		require.Equal(t, user, config.Username)
		require.Equal(t, source, from)
	}
	expect("", "")
	podman := m.write(t, ".config/containers/auth.json", 0o600, `{"auths":{"ghcr.io/team":{"auth":"`+basic("podman")+`"}}}`)
	expect("podman", podman)
	docker := m.write(t, ".docker/config.json", 0o600, `{"auths":{"https://ghcr.io/v2/":{"auth":"`+basic("docker")+`"}}}`)
	expect("docker", docker)
	m.env["DOCKER_AUTH_CONFIG"] = `{"auths":{"ghcr.io":{"username":"variable","password":"` + secret + `"}}}`
	expect("variable", "DOCKER_AUTH_CONFIG")
	m.env["GITHUB_TOKEN"] = secret
	expect("token", "GITHUB_TOKEN")
	m.env["GITHUB_ACTOR"] = "ana"
	expect("ana", "GITHUB_TOKEN")
	m.env["SLIPWAY_REGISTRY_USER"], m.env["SLIPWAY_REGISTRY_PASSWORD"] = "ben", secret
	expect("ben", "SLIPWAY_REGISTRY_PASSWORD")
	file := m.write(t, "token", 0o600, "cy:"+secret+"\n")
	m.TokenFiles = []string{file}
	expect("cy", file)
	m.TokenFiles = []string{"ghcr.io=" + file}
	expect("cy", file)
	// None of that is for anybody else.
	config, _, err := m.find(t, "registry.example.com/team/server")
	require.NoError(t, err)
	require.Empty(t, *config)
}

func TestKeychain_AsksHelpers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, config, helper, server, repository, source string }{
		{"for the host", `{"credHelpers":{"ghcr.io":"one"},"credsStore":"absent"}`, "one", "ghcr.io", "ghcr.io/team/server", "docker-credential-one"},
		{"for all", `{"credsStore":"all","auths":{"ghcr.io":{}}}`, "all", "ghcr.io", "ghcr.io/a", "docker-credential-all"},
		{"for Docker Hub", `{"credsStore":"all"}`, "all", "https://index.docker.io/v1/", "team/server", "docker-credential-all"},
		{"for Amazon", `{}`, "ecr-login", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", "docker-credential-ecr-login"},
		{"for Google", `{}`, "gcloud", "europe-docker.pkg.dev", "europe-docker.pkg.dev/p/r/a", "docker-credential-gcloud"},
		{"for Azure", `{}`, "acr-env", "team.azurecr.io", "team.azurecr.io/a", "docker-credential-acr-env"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.write(t, ".docker/config.json", 0o600, tt.config)
			m.helper(t, tt.helper, tt.server, "ana")
			config, source, err := m.find(t, tt.repository)
			require.NoError(t, err)
			require.Equal(t, authn.AuthConfig{Username: "ana", Password: secret}, *config)
			require.Equal(t, tt.source, source)
		})
	}
}

func TestKeychain_GoesOnWhereAHelperKnowsNone(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.helper(t, "all", "elsewhere.example.com", "ana")
	file := m.write(t, ".docker/config.json", 0o600, `{"credsStore":"all","auths":{"ghcr.io":{"auth":"`+basic("ben")+`"}}}`)
	config, source, err := m.find(t, "ghcr.io/a")
	require.NoError(t, err)
	require.Equal(t, "ben", config.Username)
	require.Equal(t, file, source)
}

func TestKeychain_TakesIdentityTokens(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write(t, ".docker/config.json", 0o600, `{"credsStore":"all"}`)
	m.helper(t, "all", "ghcr.io", "<token>")
	config, _, err := m.find(t, "ghcr.io/a")
	require.NoError(t, err)
	require.Equal(t, authn.AuthConfig{IdentityToken: secret}, *config)
}

// What cannot be read is said in a sentence, and no secret is in it.
func TestKeychain_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		break_ func(*testing.T, *machine)
		want   string
	}{
		"no JSON": {func(t *testing.T, m *machine) { m.write(t, ".docker/config.json", 0o600, `{"auths":`+secret) }, "it is not docker's JSON"},
		"helper missing": {func(t *testing.T, m *machine) { m.write(t, ".docker/config.json", 0o600, `{"credsStore":"desktop"}`) },
			"kept by docker-credential-desktop, which is not installed"},
		"helper with a path": {func(t *testing.T, m *machine) {
			m.write(t, ".docker/config.json", 0o600, `{"credsStore":"../../evil"}`)
		}, "not installed"},
		"helper fails": {func(t *testing.T, m *machine) {
			m.write(t, ".docker/config.json", 0o600, `{"credsStore":"bad"}`)
			m.write(t, "bin/docker-credential-bad", 0o755, "#!/bin/sh\necho "+secret+"\necho "+secret+" >&2\nexit 3\n")
		}, "asking docker-credential-bad for the credentials of ghcr.io: it failed"},
		"helper hangs": {func(t *testing.T, m *machine) {
			m.Timeout = 100 * time.Millisecond
			m.write(t, ".docker/config.json", 0o600, `{"credsStore":"slow"}`)
			m.write(t, "bin/docker-credential-slow", 0o755, "#!/bin/sh\nexec /bin/sleep 60\n")
		}, "no answer within 100ms"},
		"helper babbles": {func(t *testing.T, m *machine) {
			m.write(t, ".docker/config.json", 0o600, `{"credsStore":"loud"}`)
			m.write(t, "bin/docker-credential-loud", 0o755, "#!/bin/sh\n/usr/bin/head -c 3000000 /dev/zero\n")
		}, "not what a helper says"},
		"empty token file": {func(t *testing.T, m *machine) { m.TokenFiles = []string{m.write(t, "token", 0o600, "\n")} }, "it is not one line"},
		"two lines": {func(t *testing.T, m *machine) {
			m.TokenFiles = []string{m.write(t, "token", 0o600, secret+"\n"+secret)}
		}, "it is not one line"},
		"no token file": {func(_ *testing.T, m *machine) { m.TokenFiles = []string{filepath.Join(m.home, "absent")} }, "no such file"},
		"several registries": {func(_ *testing.T, m *machine) {
			m.Targets = append(m.Targets, "quay.io")
			m.env["SLIPWAY_REGISTRY_TOKEN"] = secret
		}, "does not say which of 2 registries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			tt.break_(t, m)
			_, _, err := m.find(t, "ghcr.io/team/server")
			require.ErrorContains(t, err, tt.want)
			require.Contains(t, []fault.Kind{fault.Usage, fault.Registry}, fault.KindOf(err))
			for e := err; e != nil; {
				require.NotContains(t, e.Error(), secret)
				u, ok := e.(interface{ Unwrap() error })
				if !ok {
					break
				}
				e = u.Unwrap()
			}
		})
	}
}

func TestKeychain_KeepsItsOwnSecretsFromHelpers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.Environ = []string{"SLIPWAY_REGISTRY_PASSWORD=" + secret, "AWS_PROFILE=team"}
	out := filepath.Join(m.home, "env")
	m.write(t, ".docker/config.json", 0o600, `{"credsStore":"env"}`)
	m.write(t, "bin/docker-credential-env", 0o755, "#!/bin/sh\n/usr/bin/env > "+out+"\necho \"$@\" >> "+out+"\necho credentials not found\nexit 1\n")
	_, _, err := m.find(t, "ghcr.io/a")
	require.NoError(t, err)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
	require.Contains(t, string(text), "AWS_PROFILE=team")
	require.True(t, strings.HasSuffix(string(text), "get\n"))
}
