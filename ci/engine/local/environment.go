package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

// environ is an environment by name.
type environ map[string]string

func parseEnviron(list []string) environ {
	env := environ{}
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}

// settings are the Go settings that say where modules come from. They are read
// from the host's go command, because GOENV=off would lose what go env -w wrote.
var settings = []string{
	"GOVERSION", "GOAUTH", "GOFLAGS", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOPATH",
}

// kept are the variables of the user that reach the go command: where things are
// and how the network is reached, nothing that decides bytes.
var kept = []string{
	"HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "XDG_CONFIG_HOME",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "NETRC", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSL_CAPATH",
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_COUNT",
	// Credential helpers ask the desktop's keyring.
	"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
}

// keptPrefixes begin the numbered variables of git's configuration that belong to
// GIT_CONFIG_COUNT (git-config(1)); CI systems put tokens there.
var keptPrefixes = []string{"GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"}

// hostSettings asks the host's go command, outside the source folder and without
// letting it switch to another release.
func (e *Engine) hostSettings(ctx context.Context, host string) (map[string]string, error) {
	dir, err := e.folder("empty")
	if err != nil {
		return nil, err
	}
	cmd := process.Command(ctx, host, append([]string{"env", "-json"}, settings...)...)
	cmd.Dir = dir
	for name, value := range e.user {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN=local", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.New(fault.Engine, "asking %s for its settings: %v", host, err).
			WithDetail(gocmd.Lines(stderr.Bytes())...).WithFix("install Go 1.21 or newer").WithCause(err)
	}
	found := map[string]string{}
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil {
		return nil, fmt.Errorf("reading the settings of %s: %w", host, err)
	}
	return found, nil
}

// scrub makes the environment of every go command: all that decides bytes is set
// here, explicitly, and everything else of the user's environment is left out.
func (e *Engine) scrub(src engine.Source, host map[string]string) []string {
	env := environ{}
	for name, value := range e.user {
		starts := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.Contains(kept, name) || slices.ContainsFunc(keptPrefixes, starts) {
			env[name] = value
		}
	}
	for name, value := range host {
		env[name] = value
	}
	maps.Copy(env, gocmd.Fixed())
	maps.Copy(env, environ{"GOCACHE": e.Objects(), "GOPROXY": gocmd.WithoutDirect(host["GOPROXY"])})
	if src.Workspace != "" {
		env["GOWORK"] = src.Workspace
	}
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// refused are flags of the go command and of its linker that run other programs or
// read other files than the source set. What they do could not be seen in the plan.
var refused = []string{
	"C", "buildmode", "compiler", "exec", "gccgoflags", "installsuffix", "linkshared", "modfile", "overlay", "pkgdir", "toolexec",
	"extar", "extld", "extldflags", "hostobj", "libgcc", "linkmode", "pluginpath", "tmpdir",
}

// refuseFlags names a flag in GOFLAGS that no build may have, also inside
// -ldflags=. The others are ignored: the plan says them.
func refuseFlags(goflags string) error {
	words := strings.FieldsFunc(goflags, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(`'"=`, c) })
	for _, word := range words {
		if name := strings.TrimLeft(word, "-"); name != word && slices.Contains(refused, name) {
			return refusal("-" + name)
		}
	}
	return nil
}

func refusal(flag string) error {
	return fault.New(fault.Usage, "GOFLAGS has %s, which runs programs or reads files that the plan does not show", flag).
		WithFix("take it out of GOFLAGS (go env GOFLAGS)")
}
