package sign

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"fmt"

	"example.com/slipway/ci/attest"
)

// Key is a private key that signs. Printed, it is its public key's name.
type Key struct {
	private crypto.Signer
	hint    string
}

// NewKey returns the Signer for a private key: ECDSA on P-256, P-384 or P-521, RSA of
// 2048 bits or more, or Ed25519.
func NewKey(private crypto.Signer) (*Key, error) {
	if err := usable(private.Public()); err != nil {
		return nil, err
	}
	hint, err := Fingerprint(private.Public())
	return &Key{private: private, hint: hint}, err
}

// Public is the key with which others check the signatures.
func (k *Key) Public() crypto.PublicKey { return k.private.Public() }

// Trust is in this key alone, and without a key nil.
func (k *Key) Trust() *Trust {
	if k == nil {
		return nil
	}
	return &Trust{Keys: []crypto.PublicKey{k.Public()}}
}

// Format writes the name of the public key, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "key "+k.hint) }

// Sign signs a statement. The same statement gives the same bytes.
func (k *Key) Sign(_ context.Context, s *attest.Statement, subject string) (attest.Document, error) {
	if !s.Is(subject) {
		return attest.Document{}, fmt.Errorf("signing a statement (%s): it is not about %s", s.PredicateType, subject)
	}
	payload, err := s.Encode()
	if err != nil {
		return attest.Document{}, fmt.Errorf("encoding a statement (%s): %w", s.PredicateType, err)
	}
	sig, err := k.sign(encoding(attest.MediaType, payload))
	if err != nil {
		return attest.Document{}, fmt.Errorf("signing a statement (%s): %w", s.PredicateType, err)
	}
	content, err := seal(payload, sig, k.hint)
	if err != nil {
		return attest.Document{}, fmt.Errorf("encoding a signed statement (%s): %w", s.PredicateType, err)
	}
	return attest.Document{Subject: subject, PredicateType: s.PredicateType, MediaType: attest.BundleMediaType, Content: content}, nil
}

func (k *Key) sign(message []byte) ([]byte, error) {
	if _, ok := k.Public().(ed25519.PublicKey); ok {
		return k.private.Sign(nil, message, crypto.Hash(0))
	}
	// Without a source of random numbers ECDSA's are those of RFC 6979, so that a second
	// publish signs with the same bytes.
	return k.private.Sign(nil, digest(crypto.SHA256, message), crypto.SHA256)
}
