// Package keyless signs statements with the identity of a CI job instead of a key, and
// checks such signatures: a certificate authority vouches for who signed, a transparency
// log for when. Both are Sigstore's public ones, or somebody's own.
package keyless

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/fault"
)

// Services say by what signatures are trusted and where they are made. They are two
// files of Sigstore's: cosign trusted-root create and cosign signing-config create make them.
type Services struct {
	TrustedRoot, SigningConfig []byte
}

// Signer is a sign.Signer. What fails is a *fault.Error.
type Signer struct {
	Program  Program
	Services Services
	// Token gets an OIDC token that says who signs; it is asked before each signature.
	Token func(context.Context) (string, error)
	// Wait bounds each question to a service, and is 30 s where it is 0. Retries is how
	// often a service that fails is asked again.
	Wait    time.Duration
	Retries uint
}

const defaultWait = 30 * time.Second

// Sign signs a statement with a key that nobody keeps, and checks what came of it.
func (s *Signer) Sign(ctx context.Context, statement *attest.Statement, subject string) (attest.Document, error) {
	if !statement.Is(subject) {
		return attest.Document{}, fmt.Errorf("signing a statement (%s): it is not about %s", statement.PredicateType, subject)
	}
	payload, err := statement.Encode()
	if err != nil {
		return attest.Document{}, fmt.Errorf("encoding a statement (%s): %w", statement.PredicateType, err)
	}
	token, err := s.Token(ctx)
	if err != nil {
		return attest.Document{}, err
	}
	wait := s.Wait
	if wait == 0 {
		wait = defaultWait
	}
	a, err := s.Program.ask(ctx, request{
		Op: "sign", TrustedRoot: s.Services.TrustedRoot, SigningConfig: s.Services.SigningConfig, Payload: payload, Digest: subject,
		Token: token, Wait: wait, Retries: s.Retries,
	})
	if err != nil {
		return attest.Document{}, refused(err, token)
	}
	return attest.Document{Subject: subject, PredicateType: statement.PredicateType, MediaType: attest.BundleMediaType, Content: a.Bundle}, nil
}

// refused is a *fault.Error for a signature that did not come about.
func refused(err error, token string) error {
	failed, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	// A service could send back what it was sent.
	why := brief(strings.ReplaceAll(failed.text, token, "***"))
	switch failed.stage {
	case "config", "root":
		return fault.New(fault.Usage, "the files that say where to sign are not usable: %s", why).
			WithFix("cosign signing-config create and cosign trusted-root create make them")
	case "authority":
		return fault.New(fault.Registry, "getting a certificate for the signature: %s", why).
			WithFix("publish again; where the token is refused, its audience has to be sigstore and its issuer one that the authority knows")
	case "timestamp":
		return fault.New(fault.Registry, "getting a time stamp for the signature: %s", why).WithFix("publish again")
	case "log":
		return fault.New(fault.Registry, "putting the signature into the transparency log: %s", why).WithFix("publish again")
	case "check":
		return fault.New(fault.Registry, "checking the signature that was made: %s", why).WithFix("the trusted root has to be that of the services that sign")
	}
	return fmt.Errorf("signing: %s", why)
}

// Errors of verification beside those of ci/attest/sign, as clauses about a bundle.
var (
	ErrLog         = errors.New("no trusted transparency log has it")
	ErrTime        = errors.New("nobody trusted says when it was signed")
	ErrCertificate = errors.New("its certificate is of no trusted authority, or was not valid when it was signed")
)

// Trust is a sign.Verifier that takes signatures of one identity. Nothing is asked over
// the network.
type Trust struct {
	Program Program
	// Root is the trusted root's file.
	Root []byte
	// Name is the certificate's subject alternative name, such as the address of a
	// workflow with its ref; or NamePattern is a regular expression for all of it.
	Name, NamePattern string
	// Issuer is who issued the token; or IssuerPattern is a regular expression for all of it.
	Issuer, IssuerPattern string
}

// Verify is a sign.Verifier's.
func (t Trust) Verify(ctx context.Context, bundle []byte, c sign.Claim) (*attest.Statement, sign.Identity, error) {
	byCertificate, err := sign.ByCertificate(bundle)
	if err != nil {
		return nil, sign.Identity{}, err
	}
	if !byCertificate {
		return nil, sign.Identity{}, fmt.Errorf("%w: by a key, not by the holder of a certificate", sign.ErrSigner)
	}
	a, err := t.Program.ask(ctx, request{
		Op: "verify", TrustedRoot: t.Root, Bundle: bundle, Digest: c.Subject,
		Name: t.Name, NamePattern: whole(t.NamePattern), Issuer: t.Issuer, IssuerPattern: whole(t.IssuerPattern),
	})
	if err != nil {
		return nil, sign.Identity{}, unverified(err)
	}
	s, err := sign.ParseStatement(a.Payload)
	if err != nil {
		return nil, sign.Identity{}, err
	}
	if err := c.Check(s); err != nil {
		return nil, sign.Identity{}, err
	}
	return s, sign.Identity{Name: a.Name, Issuer: a.Issuer, Time: a.Time}, nil
}

// whole lets a regular expression match only the whole of a text: otherwise one for a
// repository would also match another whose name goes on.
func whole(pattern string) string {
	if pattern == "" {
		return ""
	}
	return "^(?:" + pattern + ")$"
}

// unverified is why a bundle was not accepted.
func unverified(err error) error {
	failed, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	why := brief(failed.text)
	if failed.stage == "root" {
		return fault.New(fault.Usage, "the trusted root is not usable: %s", why).WithFix("cosign trusted-root create makes one")
	}
	for stage, known := range map[string]error{
		"bundle": sign.ErrMalformed, "signer": sign.ErrSigner, "signature": sign.ErrAltered, "subject": sign.ErrSubject,
		"log": ErrLog, "timestamp": ErrTime, "authority": ErrCertificate,
	} {
		if stage == failed.stage {
			return fmt.Errorf("%w: %s", known, why)
		}
	}
	return fmt.Errorf("verifying a bundle: %s", why)
}

// brief is the first line of what somebody said.
func brief(text string) string { return ask.Brief(errors.New(text)) }
