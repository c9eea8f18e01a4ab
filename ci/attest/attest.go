// Package attest holds what is said of an image in a form that others can check:
// in-toto statements about digests. What they say is made by the packages below, and
// ci/registry puts them beside the image.
package attest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Media types and predicate types of what Slipway attaches.
const (
	// StatementType is that of in-toto's statements, version 1.
	// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
	StatementType = "https://in-toto.io/Statement/v1"
	// MediaType is that of a statement which nobody signed.
	MediaType = "application/vnd.in-toto+json"
	// BundleMediaType is that of a statement in Sigstore's signed form.
	BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

	Signature  = "https://sigstore.dev/cosign/sign/v1"
	Provenance = "https://slsa.dev/provenance/v1"
	SPDX       = "https://spdx.dev/Document"
	CycloneDX  = "https://cyclonedx.org/bom"
	OpenVEX    = "https://openvex.dev/ns"
	// Scan is the predicate type of cosign's vulnerability attestations.
	Scan = "https://cosign.sigstore.dev/attestation/vuln/v1"
)

// Statement says something of the artifacts with certain digests.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is an artifact: its digests by algorithm, hexadecimal.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// New makes a statement about images. A digest is sha256: and 64 hexadecimal digits.
func New(predicateType string, predicate any, digests ...string) (*Statement, error) {
	text, err := encode(predicate)
	if err != nil {
		return nil, fmt.Errorf("encoding the predicate %s: %w", predicateType, err)
	}
	s := &Statement{Type: StatementType, PredicateType: predicateType, Predicate: text}
	for _, digest := range digests {
		algorithm, hex, found := strings.Cut(digest, ":")
		if !found {
			return nil, fmt.Errorf("making a statement about %q: it is no digest", digest)
		}
		s.Subject = append(s.Subject, Subject{Digest: map[string]string{algorithm: hex}})
	}
	return s, nil
}

// Is tells whether a statement is about the artifact with that digest.
func (s *Statement) Is(digest string) bool {
	algorithm, hex, _ := strings.Cut(digest, ":")
	for _, subject := range s.Subject {
		if hex != "" && subject.Digest[algorithm] == hex {
			return true
		}
	}
	return false
}

// Encode returns the statement's JSON, the same bytes for the same statement.
func (s *Statement) Encode() ([]byte, error) { return encode(s) }

func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// Document is an attestation as it is attached: a statement, signed or not.
type Document struct {
	// Subject is the digest of the image or index that it is attached to.
	Subject       string
	PredicateType string
	// MediaType is MediaType or BundleMediaType.
	MediaType string
	Content   []byte
}
