package gocache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
)

// ErrUntrusted is in the chain of the error for a cache that nobody wrote who is trusted.
var ErrUntrusted = errors.New("nobody who is trusted signed it")

// Seal is the name of what a key states, in an annotation of a manifest with a Sigstore
// bundle. One that is beside the manifest could be of another when somebody reads both.
type Seal string

// seal is on caches. Its predicate is the cache's Key, and it is about the manifest
// without the annotation.
const seal Seal = "gocache"

func (s Seal) annotation() string    { return "vnd.slipway." + string(s) + ".signature" }
func (s Seal) predicateType() string { return "https://example.com/slipway/" + string(s) + "/v1" }

// Sign returns the annotation in which a key states something about a subject, and none
// without a key.
func (s Seal) Sign(ctx context.Context, by *sign.Key, subject v1.Hash, predicate any) (map[string]string, error) {
	if by == nil {
		return nil, nil
	}
	statement, err := attest.New(s.predicateType(), predicate, subject.String())
	if err != nil {
		return nil, err
	}
	doc, err := by.Sign(ctx, statement, subject.String())
	if err != nil {
		return nil, err
	}
	return map[string]string{s.annotation(): string(doc.Content)}, nil
}

// Verify returns what one of the keys states about a subject in a manifest.
func (s Seal) Verify(ctx context.Context, m Manifest, by *sign.Trust, subject v1.Hash) (*attest.Statement, error) {
	bundle := m.Annotations[s.annotation()]
	if bundle == "" {
		return nil, fmt.Errorf("%w: it is not signed", ErrUntrusted)
	}
	statement, _, err := by.Verify(ctx, []byte(bundle), sign.Claim{Subject: subject.String(), PredicateType: s.predicateType()})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return statement, nil
}

// bare is the digest of the manifest that a signature is about.
func (m Manifest) bare() (v1.Hash, error) {
	m.Annotations = nil
	text, err := json.Marshal(m)
	if err != nil {
		return v1.Hash{}, err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(text))
	return digest, err
}

// signed is the text of the manifest with the signature of a key, if there is one.
func (m Manifest) signed(ctx context.Context, by *sign.Key, key Key) ([]byte, error) {
	digest, err := m.bare()
	if err != nil {
		return nil, err
	}
	if m.Annotations, err = seal.Sign(ctx, by, digest, key); err != nil {
		return nil, fmt.Errorf("signing the cache: %w", err)
	}
	return json.Marshal(m)
}

// trusted checks that one of the keys signed a manifest for what a key says. An older one
// that it signed passes too: what was true of an object then still is.
func (m Manifest) trusted(ctx context.Context, text []byte, by *sign.Trust, key Key) error {
	if by == nil {
		return nil
	}
	digest, err := m.bare()
	if err != nil {
		return err
	}
	s, err := seal.Verify(ctx, m, by, digest)
	if err != nil {
		return err
	}
	// What was not read of it was not signed either.
	if again, err := json.Marshal(m); err != nil || !bytes.Equal(text, again) {
		return fmt.Errorf("%w: its manifest is not as Slipway writes it", ErrUntrusted)
	}
	var of Key
	if err := json.Unmarshal(s.Predicate, &of); err != nil || of.Tag() != key.Tag() {
		return fmt.Errorf("%w: it was signed for another build", ErrUntrusted)
	}
	return nil
}
