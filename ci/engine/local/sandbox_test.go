package local

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
)

// boxed is a sandbox of an engine that nobody prepared.
func boxed(t *testing.T, user ...string) *sandbox {
	t.Helper()
	e := New(Options{Cache: t.TempDir(), Env: user})
	e.base = e.scrub(engine.Source{Workspace: "/src/go.work"}, map[string]string{"GOMODCACHE": "/modules", "GOPRIVATE": "git.example.com", "GOPROXY": "https://a:b@p", "GOSUMDB": "sum", "GOAUTH": "netrc"})
	e.base = append(e.base, "GOROOT=/golang.org/toolchain@v1", "PATH=/golang.org/toolchain@v1/bin:/usr/bin")
	b, err := e.newSandbox()
	require.NoError(t, err)
	t.Cleanup(b.close)
	return b
}

// The whole environment of tests: a name that is not here does not reach them.
func TestEnvironment_OfTestsIsAList(t *testing.T) {
	t.Parallel()
	var user []string
	for _, name := range append(slices.Clone(kept), "GITHUB_TOKEN", "GITHUB_ENV", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG",
		"REGISTRY_PASSWORD", "SIGSTORE_ID_TOKEN", "CI_JOB_TOKEN", "VAULT_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "LD_PRELOAD", "CC", "GOFLAGS", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0", "_EXPERIMENTAL_DAGGER_RUNNER_HOST") {
		user = append(user, name+"=secret")
	}
	b := boxed(t, user...)
	var names []string
	for _, kv := range b.environment() {
		name, value, _ := strings.Cut(kv, "=")
		names = append(names, name)
		require.True(t, value != "secret" || slices.Contains(passed, name), name)
	}
	require.True(t, slices.IsSorted(names))
	if runtime.GOOS != "windows" {
		require.Equal(t, []string{
			"ALL_PROXY", "CGO_ENABLED", "GCM_INTERACTIVE", "GIT_TERMINAL_PROMPT", "GO111MODULE", "GOCACHE", "GOENV", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOMODCACHE", "GOPROXY", "GOROOT",
			"GOTELEMETRY", "GOTOOLCHAIN", "GOVCS", "GOWORK", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LC_ALL", "NO_PROXY", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "SYSTEMROOT", "TMPDIR",
			"all_proxy", "http_proxy", "https_proxy", "no_proxy",
		}, names)
	}
	require.Subset(t, b.environment(), []string{"GOPROXY=off", "GOVCS=*:off", "GOFLAGS=", "GOENV=off", "GOWORK=/src/go.work", "GOROOT=/golang.org/toolchain@v1", "HOME=" + b.home(), "TMPDIR=" + b.temp()})
}

func TestEnvironment_OfTestsHasNoPassword(t *testing.T) {
	t.Parallel()
	env := boxed(t, "HTTPS_PROXY=http://a:secret@proxy:1", "http_proxy=a:secret@proxy:1", "NO_PROXY=localhost").environment()
	require.NotContains(t, strings.Join(env, "\n"), "secret")
	require.Contains(t, env, "NO_PROXY=localhost")
}

func TestOwn_IsNoBuildsCache(t *testing.T) {
	t.Parallel()
	b := boxed(t)
	require.NotEqual(t, filepath.Join(b.e.cache, "go-build"), b.cache)
	require.DirExists(t, b.cache)
	for _, dir := range []string{b.home(), b.temp()} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	b.close()
	require.NoDirExists(t, b.dir)
}

func TestDenied_IsWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	require.Empty(t, denied(gocmd.Output{Stderr: []byte("permission denied")}))
	require.Equal(t, "fork/exec go: operation not permitted", denied(gocmd.Output{Err: errors.New("fork/exec go: operation not permitted")}))
}
