package answer

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/gocache"
)

// signatureAnnotation is the annotation of a manifest with a Sigstore bundle, in which a
// key states for which key the configuration is. The configuration names everything else
// by its digest.
const signatureAnnotation = "vnd.slipway.answer.signature"

// predicateType is that of the statement.
const predicateType = "https://example.com/slipway/answer/v1"

// vouch is the annotation with the signature of a key, none without a key.
func vouch(ctx context.Context, by *sign.Key, config v1.Hash, key string) (map[string]string, error) {
	if by == nil {
		return nil, nil
	}
	s, err := attest.New(predicateType, map[string]string{"key": key}, config.String())
	if err != nil {
		return nil, err
	}
	doc, err := by.Sign(ctx, s, config.String())
	if err != nil {
		return nil, fmt.Errorf("signing the images: %w", err)
	}
	return map[string]string{signatureAnnotation: string(doc.Content)}, nil
}

// trusted checks that one of the keys signed the configuration of a manifest; nil trusts
// anybody. For which inputs it is stands in the configuration itself.
func trusted(ctx context.Context, m gocache.Manifest, by *sign.Trust) error {
	if by == nil {
		return nil
	}
	text := m.Annotations[signatureAnnotation]
	if text == "" {
		return fmt.Errorf("%w: it is not signed", gocache.ErrUntrusted)
	}
	_, _, err := by.Verify(ctx, []byte(text), sign.Claim{Subject: m.Config.Digest.String(), PredicateType: predicateType})
	if err != nil {
		return fmt.Errorf("%w: %w", gocache.ErrUntrusted, err)
	}
	return nil
}
