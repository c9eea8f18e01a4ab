package local

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
)

func TestRefuseFlags_NamesWhatAPlanDoesNotShow(t *testing.T) {
	t.Parallel()
	for flags, named := range map[string]string{
		"-toolexec=/tmp/evil":              "-toolexec",
		"--toolexec /tmp/evil":             "-toolexec",
		"-v '-toolexec=/tmp/evil -x'":      "-toolexec",
		`"-toolexec=/tmp/evil"`:            "-toolexec",
		"-overlay=o.json":                  "-overlay",
		"-modfile=other.mod":               "-modfile",
		"-ldflags=-extld=/tmp/evil":        "-extld",
		"'-ldflags=-s -extld=/tmp/evil'":   "-extld",
		`"-ldflags=-linkmode=external -w"`: "-linkmode",
		"-ldflags=-extldflags=-static":     "-extldflags",
		"'-ldflags=-s -w -extld evil'":     "-extld",
		"-compiler=gccgo":                  "-compiler",
		"-gccgoflags=-x":                   "-gccgoflags",
		"-buildmode=pie":                   "-buildmode",
		"-exec=/tmp/evil":                  "-exec",
		"-pkgdir=/tmp":                     "-pkgdir",
	} {
		err := refuseFlags(flags)
		require.Error(t, err, flags)
		require.Equal(t, fault.Usage, fault.KindOf(err))
		require.Contains(t, err.Error(), named)
	}
}

func TestRefuseFlags_LetsPassWhatIsIgnoredAnyway(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "-v", "-buildvcs=false", "-mod=mod -trimpath", "-ldflags=-s", "'-ldflags=-s -w -X main.a=b'", "-tags=netgo", "-p=4"} {
		require.NoError(t, refuseFlags(flags), flags)
	}
}

func TestScrub_LeavesNothingThatDecidesBytesToTheSurroundings(t *testing.T) {
	t.Parallel()
	e := New(Options{Cache: "/cache", Env: []string{
		"HOME=/home/a", "GOFLAGS=-v", "GOAMD64=v3", "CGO_ENABLED=1", "GOEXPERIMENT=x", "CC=evil", "GODEBUG=x=1", "GITHUB_TOKEN=secret",
		"AWS_SECRET_ACCESS_KEY=secret", "SSH_AUTH_SOCK=/agent", "HTTPS_PROXY=http://proxy", "NETRC=/netrc", "LD_PRELOAD=/evil.so",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=x", "GIT_DIR=/evil", "GIT_TRACE=1",
	}})
	env := e.scrub(engine.Source{Workspace: "/src/go.work"}, map[string]string{"GOPRIVATE": "example.com/*", "GOPROXY": "https://p,direct", "GOFLAGS": "-v"})
	require.True(t, slices.IsSorted(env))
	for _, name := range []string{"GOAMD64", "CC", "GODEBUG", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "CGO_ENABLED", "GIT_DIR", "GIT_TRACE"} {
		require.False(t, slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") }), name)
	}
	require.Subset(t, env, []string{
		"GOFLAGS=", "GOEXPERIMENT=", "GOENV=off", "GOTOOLCHAIN=local", "GOFIPS140=off", "GOWORK=/src/go.work", "GOPROXY=https://p",
		"GOPRIVATE=example.com/*", "SSH_AUTH_SOCK=/agent", "HTTPS_PROXY=http://proxy", "NETRC=/netrc", "HOME=/home/a", "GOVCS=private:all,public:off",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=x",
	})
}
