package verify

import (
	"context"
	"errors"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
)

// AnyOf believes what one of several verifiers believes.
type AnyOf []sign.Verifier

// Verify is a sign.Verifier's. Its error is that of the verifier that came closest.
func (a AnyOf) Verify(ctx context.Context, bundle []byte, c sign.Claim) (*attest.Statement, sign.Identity, error) {
	closest := sign.ErrSigner
	for _, v := range a {
		s, by, err := v.Verify(ctx, bundle, c)
		if err == nil {
			return s, by, nil
		}
		if errors.Is(closest, sign.ErrSigner) {
			closest = err
		}
	}
	return nil, sign.Identity{}, closest
}
