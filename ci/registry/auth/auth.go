// Package auth finds the credentials of a registry where people and CI systems keep
// them, and remembers in which of these places it found them.
package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/fault"
)

// The variables that hold credentials for the registry that is published to.
const (
	envHost     = "SLIPWAY_REGISTRY"
	envUser     = "SLIPWAY_REGISTRY_USER"
	envPassword = "SLIPWAY_REGISTRY_PASSWORD"
	envToken    = "SLIPWAY_REGISTRY_TOKEN"
)

// Options say where to look.
type Options struct {
	// Getenv reads the environment. The default is an empty one.
	Getenv func(string) string
	// Environ is the environment of credential helpers, as in os.Environ.
	Environ []string
	// Targets are the hosts of the registries that are published to. What is meant
	// for the one that is published to is given to no other.
	Targets []string
	// TokenFiles are files with a token or USER:PASSWORD, for the only target, or as
	// HOST=FILE.
	TokenFiles []string
	// Timeout is how long a credential helper may take. The default is 30 seconds.
	Timeout time.Duration
}

// Keychain looks in order into token files, SLIPWAY_REGISTRY_PASSWORD or _TOKEN,
// GITHUB_TOKEN for ghcr.io, docker's and podman's configuration with their credential
// helpers, and asks the helpers of the clouds. Its authenticators have a method
// Source() string. Its errors are *fault.Error and hold no secret.
func Keychain(o Options) (authn.Keychain, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	k := &keychain{Options: o, given: map[string]credential{}}
	if err := k.readEnv(); err != nil {
		return nil, err
	}
	for _, file := range o.TokenFiles {
		if err := k.readTokenFile(file); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// keychain is a chain of places.
type keychain struct {
	Options
	// given are the credentials that somebody gave for a host.
	given map[string]credential
}

// credential is a secret and where it came from.
type credential struct {
	config authn.AuthConfig
	source string
}

// Authorization returns the secret.
func (c credential) Authorization() (*authn.AuthConfig, error) { return &c.config, nil }

// Source says where it came from.
func (c credential) Source() string { return c.source }

// Resolve looks for the credentials of a registry or repository.
func (k *keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), r)
}

// ResolveContext looks for the credentials of a registry or repository.
func (k *keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	host := r.RegistryStr()
	if c, ok := k.given[host]; ok {
		return c, nil
	}
	if token := k.Getenv("GITHUB_TOKEN"); host == "ghcr.io" && token != "" {
		user := k.Getenv("GITHUB_ACTOR")
		if user == "" {
			user = userOf(host)
		}
		return password(user, token, "GITHUB_TOKEN"), nil
	}
	for _, find := range []func(context.Context, authn.Resource) (credential, bool, error){k.fromConfigs, k.fromCloud} {
		if c, ok, err := find(ctx, r); err != nil || ok {
			return c, err
		}
	}
	return authn.Anonymous, nil
}

func password(user, secret, source string) credential {
	return credential{authn.AuthConfig{Username: user, Password: secret}, source}
}

// userOf returns the user that a registry wants beside a token, where it is the same
// for everybody.
func userOf(host string) string {
	switch {
	case isGoogle.MatchString(host):
		return "oauth2accesstoken"
	case isAmazon.MatchString(host):
		return "AWS"
	case isAzure.MatchString(host):
		return "00000000-0000-0000-0000-000000000000"
	}
	return "token"
}

func (k *keychain) readEnv() error {
	secret, source := k.Getenv(envPassword), envPassword
	user := k.Getenv(envUser)
	if secret == "" {
		secret, source = k.Getenv(envToken), envToken
	}
	if secret == "" {
		return nil
	}
	host, err := k.hostOf(k.Getenv(envHost), source)
	if err != nil {
		return err
	}
	if user == "" {
		user = userOf(host)
	}
	k.given[host] = password(user, secret, source)
	return nil
}

func (k *keychain) readTokenFile(file string) error {
	host := ""
	for _, target := range k.Targets {
		if rest, ok := strings.CutPrefix(file, target+"="); ok {
			host, file = target, rest
		}
	}
	host, err := k.hostOf(host, "the token file "+file)
	if err != nil {
		return err
	}
	content, err := readBounded(file)
	if err != nil {
		return fault.New(fault.Usage, "reading the registry's token from %s: %s", file, brief(err)).WithCause(err).
			WithFix("name a file with the token, or USER:PASSWORD")
	}
	text := strings.TrimSpace(string(content))
	user, secret, ok := strings.Cut(text, ":")
	if !ok {
		user, secret = userOf(host), text
	}
	if secret == "" || strings.ContainsAny(text, "\r\n\x00") {
		return fault.New(fault.Usage, "reading the registry's token from %s: it is not one line", file).
			WithFix("write the token, or USER:PASSWORD, and nothing else into it")
	}
	k.given[host] = password(user, secret, file)
	return nil
}

// hostOf returns the host that a secret is for.
func (k *keychain) hostOf(host, source string) (string, error) {
	if host == "" && len(k.Targets) == 1 {
		host = k.Targets[0]
	}
	if host == "" {
		return "", fault.New(fault.Usage, "%s does not say which of %d registries it is for", source, len(k.Targets)).
			WithFix("set %s, or write HOST=FILE for a file", envHost)
	}
	registry, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil {
		return "", fault.New(fault.Usage, "%s is for %q, which is no host", source, host).WithCause(err).WithFix("write HOST or HOST:PORT")
	}
	return registry.RegistryStr(), nil
}

// The hosts of the clouds' registries.
var (
	isGoogle = regexp.MustCompile(`^([a-z0-9-]+\.)?gcr\.io$|^[a-z0-9-]+-docker\.pkg\.dev$`)
	isAmazon = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$|^public\.ecr\.aws$`)
	isAzure  = regexp.MustCompile(`^[a-z0-9-]+\.azurecr\.(io|cn|us)$`)
)

// fromCloud asks the helper of the cloud that a registry belongs to, if there is one
// on this machine.
func (k *keychain) fromCloud(ctx context.Context, r authn.Resource) (credential, bool, error) {
	var helpers []string
	switch host := r.RegistryStr(); {
	case isAmazon.MatchString(host):
		helpers = []string{"ecr-login"}
	case isGoogle.MatchString(host):
		helpers = []string{"gcr", "gcloud"}
	case isAzure.MatchString(host):
		helpers = []string{"acr-env"}
	}
	for _, helper := range helpers {
		if program, ok := k.find(helper); ok {
			return k.ask(ctx, program, r.RegistryStr())
		}
	}
	return credential{}, false, nil
}

// maxFile bounds what is read of a file, and of what a helper prints, in bytes.
const maxFile = 1 << 20

func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return os.ReadFile(file)
}

// brief drops the name of the file, which the sentence has already.
func brief(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
