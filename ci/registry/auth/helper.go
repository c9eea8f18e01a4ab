package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

// isHelper is the name of a credential helper: it becomes part of a program's name.
var isHelper = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func quoted(helper string) string {
	if isHelper.MatchString(helper) {
		return helper
	}
	return fmt.Sprintf("%.64q", helper)
}

// find looks a credential helper up in PATH.
func (k *keychain) find(helper string) (string, bool) {
	if !isHelper.MatchString(helper) {
		return "", false
	}
	return process.Find("docker-credential-"+helper, k.Getenv("PATH"))
}

// ask runs a helper by docker's protocol: the server on its stdin, the secret on its
// stdout, never an argument. It is not ok if the helper knows none.
// https://github.com/docker/docker-credential-helpers
func (k *keychain) ask(ctx context.Context, program, server string) (credential, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, k.Timeout)
	defer cancel()
	out := &bounded{}
	cmd := process.Command(ctx, program, "get")
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = k.helperEnv(), strings.NewReader(server), out, io.Discard
	helper := filepath.Base(program)
	err := cmd.Run()
	if err != nil && isNotFound(out.String()) {
		return credential{}, false, nil
	}
	if err != nil {
		why := "it failed"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			why = fmt.Sprintf("no answer within %s", k.Timeout)
		}
		return credential{}, false, refused(helper, server, why, err)
	}
	var answer struct{ Username, Secret string }
	if json.Unmarshal(out.Bytes(), &answer) != nil || out.full {
		return credential{}, false, refused(helper, server, "its answer is not what a helper says", nil)
	}
	c := credential{authn.AuthConfig{Username: answer.Username, Password: answer.Secret}, helper}
	if answer.Username == "<token>" {
		c.config = authn.AuthConfig{IdentityToken: answer.Secret}
	}
	return c, answer.Secret != "", nil
}

// refused repeats nothing that a helper printed.
func refused(helper, server, why string, err error) error {
	return fault.New(fault.Registry, "asking %s for the credentials of %s: %s", helper, server, why).WithCause(err).
		WithFix("log in to %s again, or try that program by hand", server)
}

// isNotFound compares the text by which helpers say that they have no entry.
func isNotFound(out string) bool {
	out = strings.ToLower(strings.TrimSpace(out))
	return strings.Contains(out, "credentials not found") || strings.Contains(out, "not implemented")
}

// helperEnv keeps what is meant for Slipway from the helpers.
func (k *keychain) helperEnv() []string {
	env := []string{}
	for _, pair := range k.Environ {
		if key, _, _ := strings.Cut(pair, "="); key != envPassword && key != envToken {
			env = append(env, pair)
		}
	}
	return env
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxFile {
		b.full = true
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
