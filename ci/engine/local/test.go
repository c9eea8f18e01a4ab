package local

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// secret are the variables of a build that tests do not get.
var secret = []string{
	"NETRC", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_", "GOAUTH", "GOPROXY",
	"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
}

// Test runs go vet and go test on this machine, with a home, a folder for temporary
// files and a cache of their own, and without what a build may know about registries
// of modules. It runs the source: whoever builds with this engine trusts it.
func (e *Engine) Test(ctx context.Context, t engine.Tests, s step.Step) (*finding.Tests, error) {
	said, err := e.run(ctx, []string{"CGO_ENABLED=0"}, e.goCommand.FetchArgs(t))
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return nil, e.goCommand.Explain(ctx, engine.Target{}, said)
	}
	home, err := os.MkdirTemp("", "slipway-test-")
	if err != nil {
		return nil, fmt.Errorf("making a home for the tests: %w", err)
	}
	defer os.RemoveAll(home)
	env := e.testEnvironment(home)
	return e.goCommand.Test(t, s, func(args []string) (gocmd.Output, error) { return e.runIn(ctx, env, args) })
}

// testEnvironment is a build's without its secrets and with a home of its own.
func (e *Engine) testEnvironment(home string) []string {
	env := slices.DeleteFunc(slices.Clone(e.base), func(kv string) bool {
		return slices.ContainsFunc(secret, func(name string) bool { return strings.HasPrefix(kv, name) })
	})
	own := gocmd.Offline()
	maps.Copy(own, map[string]string{"HOME": home, "USERPROFILE": home, "TMPDIR": home, "TMP": home, "TEMP": home, "GOCACHE": filepath.Join(e.cache, "go-test")})
	for _, name := range slices.Sorted(maps.Keys(own)) {
		env = append(env, name+"="+own[name])
	}
	return env
}
