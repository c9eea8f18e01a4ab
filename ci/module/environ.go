package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/module/internal/dagger"
)

// home has the secrets of a call. It is in memory, so they reach no layer.
const home = "/dev/shm/slipway"

// goSettings are what --go-env can say.
var goSettings = []string{"GOINSECURE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"}

// environ is the environment of the pipeline. What else is in this container's is the
// Go SDK's own: it would reach the service's modules too.
func (m *Slipway) environ(ctx context.Context) ([]string, error) {
	env := []string{"HOME=" + home}
	for _, name := range []string{"PATH", "DAGGER_SESSION_PORT", "DAGGER_SESSION_TOKEN"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	for _, kv := range m.GoEnv {
		name, value, _ := strings.Cut(kv, "=")
		if !slices.Contains(goSettings, name) {
			return nil, fault.New(fault.Usage, "--go-env: %q is not a setting that says where modules come from", name).
				WithFix("the settings are %s", strings.Join(goSettings, ", "))
		}
		if strings.Contains(value, "@") {
			return nil, fault.New(fault.Usage, "--go-env: %s has credentials in it, and arguments are shown", name).WithFix("give them with --netrc")
		}
		env = append(env, kv)
	}
	// Credentials of registries are looked for as docker does, in the environment of
	// the process.
	docker := filepath.Join(home, ".docker")
	return env, errors.Join(os.Setenv("DOCKER_CONFIG", docker),
		write(ctx, m.Netrc, filepath.Join(home, ".netrc")), write(ctx, m.DockerConfig, filepath.Join(docker, "config.json")))
}

// write puts a secret, if there is one, into a file.
func write(ctx context.Context, secret *dagger.Secret, file string) error {
	if secret == nil {
		return nil
	}
	text, err := secret.Plaintext(ctx)
	if err != nil {
		return fmt.Errorf("reading the secret %s: %w", filepath.Base(file), err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keeping the secret %s: %w", filepath.Base(file), err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("keeping the secret %s: %w", filepath.Base(file), err)
	}
	return nil
}
