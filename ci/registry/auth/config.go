package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/fault"
)

// config is what docker and podman write at a login.
type config struct {
	file    string
	Auths   map[string]entry  `json:"auths"`
	Store   string            `json:"credsStore"`
	Helpers map[string]string `json:"credHelpers"`
}

type entry struct {
	Auth          string `json:"auth"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// files are where docker and podman look, in that order.
func (k *keychain) files() []string {
	home := k.Getenv("HOME")
	if home == "" {
		home = k.Getenv("USERPROFILE")
	}
	var all []string
	add := func(dir string, elem ...string) {
		if dir != "" {
			all = append(all, filepath.Join(append([]string{dir}, elem...)...))
		}
	}
	if dir := k.Getenv("DOCKER_CONFIG"); dir != "" {
		add(dir, "config.json")
	} else {
		add(home, ".docker", "config.json")
	}
	add(k.Getenv("REGISTRY_AUTH_FILE"))
	add(k.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if dir := k.Getenv("XDG_CONFIG_HOME"); dir != "" {
		add(dir, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	return all
}

func (k *keychain) fromConfigs(ctx context.Context, r authn.Resource) (credential, bool, error) {
	var configs []config
	if text := k.Getenv("DOCKER_AUTH_CONFIG"); text != "" {
		c, err := parse("DOCKER_AUTH_CONFIG", []byte(text))
		if err != nil {
			return credential{}, false, err
		}
		configs = append(configs, c)
	}
	for _, file := range k.files() {
		content, err := readBounded(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return credential{}, false, fault.New(fault.Usage, "reading credentials from %s: %s", file, brief(err)).WithCause(err).
				WithFix("make it readable, or give credentials in the environment")
		}
		c, err := parse(file, content)
		if err != nil {
			return credential{}, false, err
		}
		configs = append(configs, c)
	}
	for _, c := range configs {
		if found, ok, err := k.from(ctx, c, r); err != nil || ok {
			return found, ok, err
		}
	}
	return credential{}, false, nil
}

func parse(file string, content []byte) (config, error) {
	c := config{file: file}
	if err := json.Unmarshal(content, &c); err != nil {
		// What encoding/json says may quote the file, which holds secrets.
		return c, fault.New(fault.Usage, "reading credentials from %s: it is not docker's JSON", file).
			WithFix("correct it, or log in again")
	}
	return c, nil
}

// from looks into one configuration. A helper for the host is asked before the one
// for all, and both before what is in the file.
func (k *keychain) from(ctx context.Context, c config, r authn.Resource) (credential, bool, error) {
	keys := keysOf(r)
	helper, server := "", keys[len(keys)-1]
	for _, key := range keys {
		if h := c.Helpers[key]; helper == "" && h != "" {
			helper, server = h, key
		}
	}
	if helper == "" {
		helper = c.Store
	}
	if helper != "" {
		program, ok := k.find(helper)
		if !ok {
			return credential{}, false, fault.New(fault.Registry, "the credentials of %s are kept by docker-credential-%s, which is not installed",
				r.RegistryStr(), quoted(helper)).WithFix("install it, or take it out of %s", c.file)
		}
		if found, ok, err := k.ask(ctx, program, server); err != nil || ok {
			return found, ok, err
		}
	}
	for _, key := range keys {
		for stored, e := range c.Auths {
			if normal(stored) == normal(key) {
				if found, ok := e.credential(c.file); ok {
					return found, true, nil
				}
			}
		}
	}
	return credential{}, false, nil
}

// keysOf returns the names under which credentials may be kept, the most particular
// first: podman has them for parts of a registry too.
func keysOf(r authn.Resource) []string {
	var keys []string
	for full := r.String(); strings.Contains(full, "/"); full = full[:strings.LastIndex(full, "/")] {
		keys = append(keys, full)
	}
	keys = append(keys, r.RegistryStr())
	if r.RegistryStr() == name.DefaultRegistry {
		keys = append(keys, "docker.io", authn.DefaultAuthKey)
	}
	return keys
}

// normal drops what docker writes around a host.
func normal(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	for _, suffix := range []string{"/", "/v1", "/v2"} {
		key = strings.TrimSuffix(key, suffix)
	}
	return key
}

func (e entry) credential(source string) (credential, bool) {
	c := authn.AuthConfig{Username: e.Username, Password: e.Password, IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken}
	if decoded, err := base64.StdEncoding.DecodeString(e.Auth); err == nil && e.Auth != "" {
		if user, secret, ok := strings.Cut(strings.TrimRight(string(decoded), "\x00"), ":"); ok {
			c.Username, c.Password = user, secret
		}
	}
	return credential{c, source}, c.Password != "" || c.IdentityToken != "" || c.RegistryToken != ""
}
