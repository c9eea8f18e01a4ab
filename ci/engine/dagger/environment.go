package dagger

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/process"
)

func environ(list []string) map[string]string {
	env := map[string]string{}
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}

// fromUser are the Go settings that say where modules come from. What go env -w wrote
// counts, as it does for the local engine; there need not be a go command here.
var fromUser = []string{"GOINSECURE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"}

// goSettings are the user's, from the environment and then from the file of go env -w.
func (e *Engine) goSettings() map[string]string {
	name := e.user["GOENV"]
	if name == "" {
		config := e.user["XDG_CONFIG_HOME"]
		if config == "" {
			config = filepath.Join(e.user["HOME"], ".config")
		}
		name = filepath.Join(config, "go", "env")
	}
	text, _ := os.ReadFile(name)
	written := environ(strings.Split(strings.ReplaceAll(string(text), "\r", ""), "\n"))
	found := map[string]string{}
	for _, name := range fromUser {
		if value := e.user[name]; value != "" {
			found[name] = value
		} else if value := written[name]; value != "" {
			found[name] = value
		}
	}
	if proxy := found["GOPROXY"]; proxy != "" {
		found["GOPROXY"] = gocmd.WithoutDirect(proxy)
	}
	return found
}

// settings are the variables of every go command, without credentials.
func (e *Engine) settings() map[string]string {
	env := gocmd.Fixed()
	maps.Copy(env, e.goSettings())
	maps.Copy(env, map[string]string{"HOME": "/root", "GOPATH": "/go", "GOMODCACHE": modules, "GOCACHE": objects})
	if e.src.Workspace != "" {
		env["GOWORK"] = filepath.ToSlash(e.goCommand.Seen(e.src.Workspace))
	}
	return env
}

// compiling are the variables of a command that compiles.
func (e *Engine) compiling() []string {
	return process.Compiling(func(name string) string { return e.user[name] })
}

// withSettings sets the variables of every go command of a build. One with credentials in it
// goes in as a secret, which reaches no layer, no log and no cache key.
func (e *Engine) withSettings(c *sdk.Client, ctr *sdk.Container) *sdk.Container {
	env := e.settings()
	ctr = with(ctr, e.compiling())
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.Contains(env[name], "@") {
			ctr = ctr.WithSecretVariable(name, c.SetSecret("slipway-"+name, env[name]))
			continue
		}
		ctr = ctr.WithEnvVariable(name, env[name])
	}
	return e.withCredentials(c, ctr)
}

// withCredentials hands the go command and git what they need for private modules:
// .netrc, the SSH agent, and what CI systems say about git in numbered variables.
func (e *Engine) withCredentials(c *sdk.Client, ctr *sdk.Container) *sdk.Container {
	secret := func(uri, name string) *sdk.Secret {
		// Without a key of its own, a secret's value would be part of the cache's key.
		return c.Secret(uri, sdk.SecretOpts{CacheKey: "slipway-" + name})
	}
	home := e.user["HOME"]
	if netrc := e.netrc(); regular(netrc) {
		ctr = ctr.WithMountedSecret("/root/.netrc", secret("file://"+netrc, "netrc"))
	}
	if private := e.goSettings(); private["GOPRIVATE"] == "" && private["GONOPROXY"] == "" {
		return ctr // nothing is fetched by git
	}
	for _, name := range slices.Sorted(maps.Keys(e.user)) {
		if name == "GIT_CONFIG_COUNT" {
			ctr = ctr.WithEnvVariable(name, e.user[name])
		} else if strings.HasPrefix(name, "GIT_CONFIG_KEY_") || strings.HasPrefix(name, "GIT_CONFIG_VALUE_") {
			ctr = ctr.WithSecretVariable(name, secret("env://"+name, name))
		}
	}
	if file := filepath.Join(home, ".gitconfig"); regular(file) {
		ctr = ctr.WithMountedSecret("/root/.gitconfig", secret("file://"+file, "gitconfig"))
	}
	if hosts := filepath.Join(home, ".ssh", "known_hosts"); regular(hosts) {
		ctr = ctr.WithMountedSecret("/root/.ssh/known_hosts", secret("file://"+hosts, "known-hosts"))
	}
	if agent := e.user["SSH_AUTH_SOCK"]; agent != "" {
		ctr = ctr.WithUnixSocket("/run/slipway-ssh", c.Host().UnixSocket(agent)).WithEnvVariable("SSH_AUTH_SOCK", "/run/slipway-ssh")
	}
	return ctr
}

// netrc is the user's file of credentials, which need not be there.
func (e *Engine) netrc() string {
	if named := e.user["NETRC"]; named != "" {
		return named
	}
	return filepath.Join(e.user["HOME"], ".netrc")
}

func regular(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
