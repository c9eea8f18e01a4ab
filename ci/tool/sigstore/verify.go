//go:build ignore

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// payloadType is that of a statement.
const payloadType = "application/vnd.in-toto+json"

// Stages of verification. Its log's and its certificate authority's are those of signing.
const (
	stageRoot      = "root"
	stageBundle    = "bundle"
	stageSigner    = "signer"
	stageSignature = "signature"
	stageSubject   = "subject"
)

// verifyBundle checks a bundle's signature, and who made it.
func verifyBundle(r request) (answer, error) {
	who, err := verify.NewShortCertificateIdentity(r.Issuer, r.IssuerPattern, r.Name, r.NamePattern)
	if err != nil {
		return answer{}, at(stageSigner, err)
	}
	return check(r.Bundle, r.TrustedRoot, r.Digest, &who)
}

// check verifies a bundle about an artifact, as one that anybody signed where who is nil.
func check(text, trustedRoot []byte, digest string, who *verify.CertificateIdentity) (answer, error) {
	trusted, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return answer{}, at(stageRoot, err)
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return answer{}, at(stageBundle, err)
	}
	envelope := b.GetDsseEnvelope()
	if envelope == nil || envelope.PayloadType != payloadType {
		return answer{}, at(stageBundle, errors.New("it has no statement"))
	}
	content, err := b.VerificationContent()
	if err != nil {
		return answer{}, at(stageBundle, err)
	}
	if content.Certificate() == nil {
		return answer{}, at(stageSigner, errors.New("by a key, not by the holder of a certificate"))
	}
	artifact, err := artifactOf(digest)
	if err != nil {
		return answer{}, at(stageSubject, err)
	}
	policy := []verify.PolicyOption{verify.WithoutIdentitiesUnsafe()}
	if who != nil {
		policy = []verify.PolicyOption{verify.WithCertificateIdentity(*who)}
	}
	verifier, err := verify.NewVerifier(trusted, demands(trusted)...)
	if err != nil {
		return answer{}, at(stageRoot, err)
	}
	result, err := verifier.Verify(&b, verify.NewPolicy(artifact, policy...))
	if err != nil {
		return answer{}, at(stageOf(err), err)
	}
	a := answer{Payload: envelope.Payload, Name: result.Signature.Certificate.SubjectAlternativeName, Issuer: result.Signature.Certificate.Issuer}
	for _, seen := range result.VerifiedTimestamps {
		if a.Time.IsZero() || seen.Timestamp.Before(a.Time) {
			a.Time = seen.Timestamp.UTC().Truncate(time.Second)
		}
	}
	return a, nil
}

// demands are what a bundle has to have: an entry in a transparency log, the time of a log
// or an authority, and, where the root has logs of certificates, one of those.
func demands(trusted *root.TrustedRoot) []verify.VerifierOption {
	all := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if len(trusted.CTLogs()) > 0 {
		all = append(all, verify.WithSignedCertificateTimestamps(1))
	}
	return all
}

func artifactOf(digest string) (verify.ArtifactPolicyOption, error) {
	algorithm, text, found := strings.Cut(digest, ":")
	sum, err := hex.DecodeString(text)
	if err != nil || !found {
		return nil, fmt.Errorf("%q is no digest", digest)
	}
	return verify.WithArtifactDigest(algorithm, sum), nil
}

// stageOf tells where a verification failed, by the library's words. More telling ones
// come first: the log is asked before the signature.
func stageOf(err error) string {
	for _, known := range []struct{ stage, start, words string }{
		{stageAuthority, "failed to verify log inclusion", "outside certificate validity"},
		{stageSignature, "failed to verify log inclusion: transparency log ", "does not match"},
		{stageLog, "failed to verify log inclusion", ""},
		{stageStamp, "failed to verify timestamps", ""},
		{stageAuthority, "failed to verify leaf certificate", ""},
		{stageAuthority, "failed to verify signed certificate timestamp", ""},
		{stageSigner, "failed to verify certificate identity", ""},
		{stageSubject, "failed to verify signature", "digest"},
		{stageSignature, "failed to verify signature", ""},
	} {
		if text := err.Error(); strings.HasPrefix(text, known.start) && strings.Contains(text, known.words) {
			return known.stage
		}
	}
	return stageBundle
}
