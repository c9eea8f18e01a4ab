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

// signatureAnnotation is the annotation of a manifest with a Sigstore bundle, in which a
// key states what the cache is for, about the manifest without the annotation. One that is
// beside the manifest could be of another when somebody reads both.
const signatureAnnotation = "vnd.slipway.gocache.signature"

// predicateType is that of the statement. Its predicate is the cache's Key.
const predicateType = "https://example.com/slipway/gocache/v1"

// ErrUntrusted is in the chain of the error for a cache that nobody wrote who is trusted.
var ErrUntrusted = errors.New("nobody who is trusted signed it")

// bare is the manifest that a signature is about.
func (m Manifest) bare() ([]byte, v1.Hash, error) {
	m.Annotations = nil
	text, err := json.Marshal(m)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(text))
	return text, digest, err
}

// signed is the text of the manifest with the signature of a key, if there is one.
func (m Manifest) signed(ctx context.Context, by *sign.Key, key Key) ([]byte, error) {
	text, digest, err := m.bare()
	if err != nil || by == nil {
		return text, err
	}
	s, err := attest.New(predicateType, key, digest.String())
	if err != nil {
		return nil, err
	}
	doc, err := by.Sign(ctx, s, digest.String())
	if err != nil {
		return nil, fmt.Errorf("signing the cache: %w", err)
	}
	m.Annotations = map[string]string{signatureAnnotation: string(doc.Content)}
	return json.Marshal(m)
}

// trusted checks that one of the keys signed a manifest for what a key says. An older one
// that it signed passes too: what was true of an object then still is.
func (m Manifest) trusted(ctx context.Context, text []byte, by *sign.Trust, key Key) error {
	if by == nil {
		return nil
	}
	bundle := m.Annotations[signatureAnnotation]
	if bundle == "" {
		return fmt.Errorf("%w: it is not signed", ErrUntrusted)
	}
	// What was not read of it was not signed either.
	if again, err := json.Marshal(m); err != nil || !bytes.Equal(text, again) {
		return fmt.Errorf("%w: its manifest is not as Slipway writes it", ErrUntrusted)
	}
	_, digest, err := m.bare()
	if err != nil {
		return err
	}
	s, _, err := by.Verify(ctx, []byte(bundle), sign.Claim{Subject: digest.String(), PredicateType: predicateType})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	var of Key
	if err := json.Unmarshal(s.Predicate, &of); err != nil || of.Tag() != key.Tag() {
		return fmt.Errorf("%w: it was signed for another build", ErrUntrusted)
	}
	return nil
}
