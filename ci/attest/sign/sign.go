// Package sign signs statements with a key and checks such signatures, in the form of
// Sigstore's bundles, so that cosign reads what Slipway writes and the other way round.
// Signing without a key of one's own is ci/attest/keyless.
package sign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/slipway/ci/attest"
)

// Signer signs statements.
type Signer interface {
	// Sign signs a statement that is to be attached to the image or index with the
	// digest subject.
	Sign(ctx context.Context, s *attest.Statement, subject string) (attest.Document, error)
}

// Verifier checks what Signers signed.
type Verifier interface {
	// Verify returns what a bundle states and who signed it. The errors are those
	// below, with details.
	Verify(ctx context.Context, bundle []byte, c Claim) (*attest.Statement, Identity, error)
}

// Claim is what a bundle is taken for. What a registry says of it is not signed, so the
// statement itself is asked.
type Claim struct {
	// Subject is the digest of the image or index that it has to be about.
	Subject string
	// PredicateType is what kind of statement it has to be; empty is any kind.
	PredicateType string
}

// Identity is who signed something: a key, or somebody to whom a certificate was given.
type Identity struct {
	// Key is the SHA-256 of the public key in PKIX form, base64, as cosign names keys.
	Key string
	// Name is the certificate's subject alternative name, such as a workflow's address,
	// and Issuer the OIDC issuer that vouched for it.
	Name, Issuer string
	// Time is when a transparency log or a time-stamping authority saw the signature.
	Time time.Time
}

// Errors of verification, as clauses about a bundle.
var (
	ErrMalformed   = errors.New("it is no Sigstore bundle with a statement")
	ErrNoSignature = errors.New("it is not signed")
	ErrSigner      = errors.New("it is signed by somebody else")
	ErrAltered     = errors.New("its signature does not fit: it was altered")
	ErrSubject     = errors.New("it is about another image")
	ErrPredicate   = errors.New("it states something else")
)

// Image is the statement that signs an image or index, as cosign sign makes it.
func Image(digest string) (*attest.Statement, error) {
	return attest.New(attest.Signature, struct{}{}, digest)
}

// Check tells whether a statement is what a bundle with it is taken for.
func (c Claim) Check(s *attest.Statement) error {
	if c.Subject == "" {
		return errors.New("checking a statement: nobody said what it has to be about")
	}
	if !s.Is(c.Subject) {
		return fmt.Errorf("%w than %s", ErrSubject, c.Subject)
	}
	if c.PredicateType != "" && c.PredicateType != s.PredicateType {
		return fmt.Errorf("%w: %q instead of %q", ErrPredicate, s.PredicateType, c.PredicateType)
	}
	return nil
}
