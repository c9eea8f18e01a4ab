package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // SHA-384 and SHA-512, the hashes of the larger curves
	"crypto/x509"
	"errors"
	"fmt"

	"example.com/slipway/ci/attest"
)

// Trust checks signatures of keys. It asks no transparency log.
type Trust struct {
	// Keys are those of which one has to have signed.
	Keys []crypto.PublicKey
}

// Verify is a Verifier's.
func (t Trust) Verify(_ context.Context, text []byte, c Claim) (*attest.Statement, Identity, error) {
	b, err := parse(text)
	if err != nil {
		return nil, Identity{}, err
	}
	name, err := t.signer(b)
	if err != nil {
		return nil, Identity{}, err
	}
	s, err := ParseStatement(b.Envelope.Payload)
	if err != nil {
		return nil, Identity{}, err
	}
	if err := c.Check(s); err != nil {
		return nil, Identity{}, err
	}
	return s, Identity{Key: name}, nil
}

// signer returns the name of the key that signed.
func (t Trust) signer(b *bundle) (string, error) {
	if b.VerificationMaterial.PublicKey == nil {
		return "", fmt.Errorf("%w: by the holder of a certificate, not by a key", ErrSigner)
	}
	hint := b.VerificationMaterial.PublicKey.Hint
	message := encoding(b.Envelope.PayloadType, b.Envelope.Payload)
	for _, key := range t.Keys {
		name, err := Fingerprint(key)
		if err != nil {
			return "", err
		}
		if fits(key, message, b.Envelope.Signatures[0].Sig) {
			return name, nil
		}
		if name == hint {
			return "", ErrAltered
		}
	}
	return "", fmt.Errorf("%w: by the key %q", ErrSigner, hint)
}

// Fingerprint is the name that cosign gives a public key.
func Fingerprint(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return encode64(sum[:]), nil
}

// smallestRSA is the size in bits below which an RSA key protects nothing.
const smallestRSA = 2048

// usable tells in a clause why a public key is of no use here.
func usable(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if curveHash(k.Curve) == 0 {
			return errors.New("its curve is not P-256, P-384 or P-521")
		}
		return nil
	case *rsa.PublicKey:
		if k.N.BitLen() < smallestRSA {
			return fmt.Errorf("it has %d bits, fewer than %d", k.N.BitLen(), smallestRSA)
		}
		return nil
	case ed25519.PublicKey:
		return nil
	}
	return errors.New("it is no ECDSA, RSA or Ed25519 key")
}

// curveHash is the hash that cosign signs with, or 0. It verifies with SHA-256 whatever
// the curve, and verify-attestation cannot be told another, so Slipway signs with that.
func curveHash(curve elliptic.Curve) crypto.Hash {
	switch curve {
	case elliptic.P256():
		return crypto.SHA256
	case elliptic.P384():
		return crypto.SHA384
	case elliptic.P521():
		return crypto.SHA512
	}
	return 0
}

func fits(key crypto.PublicKey, message, sig []byte) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		hash := curveHash(k.Curve)
		return hash != 0 && (ecdsa.VerifyASN1(k, digest(crypto.SHA256, message), sig) || ecdsa.VerifyASN1(k, digest(hash, message), sig))
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest(crypto.SHA256, message), sig) == nil
	case ed25519.PublicKey:
		// cosign signs with the variant that hashes first, and verifies the other.
		hashed := &ed25519.Options{Hash: crypto.SHA512}
		return ed25519.Verify(k, message, sig) || ed25519.VerifyWithOptions(k, digest(crypto.SHA512, message), sig, hashed) == nil
	}
	return false
}

func digest(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}
