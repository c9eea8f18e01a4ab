package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/attest/licence"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/statements"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// signer signs what is said of images, where somebody does.
type signer struct {
	sign.Signer
	// name says who signs, or is empty where nobody does.
	name string
}

// signer finds who signs, before anything is built.
func (p *Pipeline) signer(ctx context.Context, b *Built, how Publish) (signer, error) {
	said := b.Plan.Run.Publish
	tokens := keyless.Tokens{Getenv: p.getenv}
	switch {
	case said.SignKey != "":
		key, err := sign.Source{Name: said.SignKey, Getenv: p.getenv}.Key()
		if err != nil {
			return signer{}, err
		}
		return signer{key, fmt.Sprint(key)}, nil
	case said.Sign == "keyless", said.Sign == "auto" && tokens.AtHand():
		return p.keyless(ctx, said, tokens, how)
	case said.Sign == "auto":
		p.Reporter.Note("nobody signs: no key is named with --sign-key, and there is no identity token to sign without one")
	}
	return signer{}, nil
}

// keyless signs with the identity of this job.
func (p *Pipeline) keyless(ctx context.Context, said plan.Publish, tokens keyless.Tokens, how Publish) (signer, error) {
	by := signer{name: "keyless"}
	if runner := provenance.FromEnvironment(p.getenv); runner.ID != provenance.Local {
		by.name = runner.ID
	}
	if how.DryRun {
		return by, nil
	}
	if _, err := tokens.Get(ctx); err != nil {
		return by, err
	}
	err := step.Run(p.Reporter, "sigstore", func(s step.Step) (string, error) {
		program, err := keyless.Find(ctx, tool.Options{Env: p.Env, Cache: p.Cache}, s)
		if err != nil {
			return "", err
		}
		own := &keyless.Signer{Program: program, Token: tokens.Get}
		if own.Services, err = services(ctx, program, said); err != nil {
			return "", err
		}
		by.Signer = own
		return by.name, nil
	})
	return by, err
}

// services are those that somebody named, or the public ones.
func services(ctx context.Context, program keyless.Program, said plan.Publish) (keyless.Services, error) {
	if said.SigningConfig == "" {
		return program.Public(ctx)
	}
	var own keyless.Services
	for name, text := range map[string]*[]byte{said.SigningConfig: &own.SigningConfig, said.TrustedRoot: &own.TrustedRoot} {
		var err error
		if *text, err = os.ReadFile(name); err != nil {
			return own, fault.New(fault.Usage, "reading where to sign: %v", err).WithFix("name a file that cosign signing-config create or cosign trusted-root create made")
		}
	}
	return own, nil
}

// attest gathers what is said of each image. A document is made and signed where a
// registry does not have it yet, once for all registries.
func (p *Pipeline) attest(ctx context.Context, b *Built, made *receipt.Receipt, by signer) ([][]publish.Attachment, error) {
	all := make([][]publish.Attachment, len(b.Images))
	err := step.Run(p.Reporter, "describe", func(step.Step) (string, error) {
		n := 0
		for i := range b.Images {
			said, err := p.describe(b, made, made.Images[i], by)
			if err != nil {
				return "", err
			}
			for _, s := range said {
				all[i] = append(all[i], by.attachment(ctx, s))
			}
			n += len(said)
		}
		summary := step.Count(n, "attestation") + ", unsigned"
		if by.name != "" {
			summary = step.Count(n, "attestation") + " for " + by.name
		}
		return summary, nil
	})
	return all, err
}

// describe makes the statements about one image, with the one that cosign takes for its
// signature where somebody signs.
func (p *Pipeline) describe(b *Built, r *receipt.Receipt, img receipt.Image, by signer) ([]statements.Made, error) {
	facts := statements.Facts{Runner: provenance.FromEnvironment(p.getenv), Remote: b.Project.Refs.Remote, Repositories: b.Plan.Repositories(img.Plan)}
	if dir := p.moduleCache(); dir != "" {
		facts.Licence = licence.NewCache(os.DirFS(dir)).Of
	}
	said, err := statements.Of(r, img, facts)
	if err != nil || by.name == "" {
		return said, err
	}
	signature, err := sign.Image(img.Digest)
	return append(said, statements.Made{Subject: img.Digest, Statement: signature}), err
}

// moduleCache is where the go command keeps modules on this machine, and with them their
// licences, or "".
func (p *Pipeline) moduleCache() string {
	if dir := p.getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	if list := filepath.SplitList(p.getenv("GOPATH")); len(list) > 0 {
		return filepath.Join(list[0], "pkg", "mod")
	}
	if home := p.getenv("HOME"); home != "" {
		return filepath.Join(home, "go", "pkg", "mod")
	}
	return ""
}

// attachment is a statement that is signed when it is needed.
func (by signer) attachment(ctx context.Context, s statements.Made) publish.Attachment {
	a := publish.Attachment{Subject: s.Subject, PredicateType: s.Statement.PredicateType, MediaType: attest.MediaType, Signer: by.name}
	if by.name != "" {
		a.MediaType = attest.BundleMediaType
	}
	a.Document = sync.OnceValues(func() (attest.Document, error) {
		if by.Signer != nil {
			return by.Sign(ctx, s.Statement, s.Subject)
		}
		text, err := s.Statement.Encode()
		if err != nil {
			return attest.Document{}, fmt.Errorf("encoding the statement %s: %w", s.Statement.PredicateType, err)
		}
		return attest.Document{Subject: s.Subject, PredicateType: s.Statement.PredicateType, MediaType: attest.MediaType, Content: text}, nil
	})
	return a
}
