package cli

import (
	"context"
	"crypto"
	"strings"

	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/verify"
)

// trust lays the flags over the policy file: a list that a flag says is the whole list.
func (s *session) trust(v *verification, said *config.Said) (config.Trust, error) {
	var t config.Trust
	var err error
	if v.policy != "" {
		if t, err = config.ReadTrust(s.path(v.policy)); err != nil {
			return t, err
		}
	}
	over(&t.Keys, s.keyFiles(v.keys))
	over(&t.Identities, identities(v))
	over(&t.Builders, v.builders)
	over(&t.Sources, v.sources)
	t.Commit = v.commit
	if said.Budget != "" {
		if t.Budget, err = config.ParseSize(said.Budget); err != nil {
			return t, fault.New(fault.Usage, "--budget: %v", err).WithFix("write 15MB or 1.5GB")
		}
	}
	return t, contradiction(v, t)
}

func over[T any](list *[]T, said []T) {
	if len(said) > 0 {
		*list = said
	}
}

// contradiction says what cannot be meant.
func contradiction(v *verification, t config.Trust) error {
	for _, i := range t.Identities {
		if err := i.Check(); err != nil {
			return fault.New(fault.Usage, "--identity: %v", err).WithFix("give --issuer, and --identity or --identity-regexp")
		}
	}
	if v.issuer != "" && len(v.identities)+len(v.patterns) == 0 {
		return fault.New(fault.Usage, "--issuer vouches for everybody").WithFix("say for whom, with --identity or --identity-regexp")
	}
	if v.unsigned && len(t.Keys)+len(t.Identities) > 0 {
		return fault.New(fault.Usage, "--insecure-unsigned believes everybody, and somebody is named to be believed").WithFix("leave one of them out")
	}
	return nil
}

// keyFiles are the names of keys as flags say them: files count from the command's folder.
func (s *session) keyFiles(names []string) []string {
	var all []string
	for _, name := range names {
		if !strings.Contains(name, "://") && !strings.Contains(name, "-----BEGIN") {
			name = s.path(name)
		}
		all = append(all, name)
	}
	return all
}

func identities(v *verification) []config.Identity {
	var all []config.Identity
	for _, name := range v.identities {
		all = append(all, config.Identity{Issuer: v.issuer, Name: name})
	}
	for _, pattern := range v.patterns {
		all = append(all, config.Identity{Issuer: v.issuer, Pattern: pattern})
	}
	return all
}

// verifier believes the keys and identities that were named; it is nil where there is none.
func (s *session) verifier(ctx context.Context, v *verification, t config.Trust) (sign.Verifier, error) {
	var all verify.AnyOf
	var keys []crypto.PublicKey
	for _, name := range t.Keys {
		key, err := sign.Source{Name: name, Getenv: s.getenv}.Public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		all = append(all, sign.Trust{Keys: keys})
	}
	if len(t.Identities) > 0 {
		more, err := s.keyless(ctx, v.root, t.Identities)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// keyless believes identities by a trusted root: a file, or that of Sigstore's public
// instance.
func (s *session) keyless(ctx context.Context, root string, list []config.Identity) ([]sign.Verifier, error) {
	o, err := s.tools()
	if err != nil {
		return nil, err
	}
	var program keyless.Program
	err = step.Run(s.screen(), "sigstore", func(st step.Step) (string, error) {
		program, err = keyless.Find(ctx, o, st)
		return "", err
	})
	if err != nil {
		return nil, err
	}
	var trusted []byte
	if root == "" {
		services, err := program.Public(ctx)
		if err != nil {
			return nil, err
		}
		trusted = services.TrustedRoot
	} else if trusted, err = s.readBounded(root); err != nil {
		return nil, fault.New(fault.Usage, "reading the trusted root: %v", err).WithCause(err).WithFix("cosign trusted-root create makes one")
	}
	var all []sign.Verifier
	for _, i := range list {
		all = append(all, keyless.Trust{Program: program, Root: trusted, Name: i.Name, NamePattern: i.Pattern, Issuer: i.Issuer})
	}
	return all, nil
}
