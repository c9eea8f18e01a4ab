package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"example.com/slipway/ci/attest"
)

// MaxBundle bounds a bundle: whoever reads one from a registry need not read more.
const MaxBundle = 64 << 20

// legacyMediaType is another way to write attest.BundleMediaType.
const legacyMediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3"

// bundle is Sigstore's, as far as a key's signature needs it.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
type bundle struct {
	MediaType            string    `json:"mediaType"`
	VerificationMaterial material  `json:"verificationMaterial"`
	Envelope             *envelope `json:"dsseEnvelope,omitempty"`
}

type material struct {
	PublicKey   *publicKey      `json:"publicKey,omitempty"`
	Certificate json.RawMessage `json:"certificate,omitempty"`
	Chain       json.RawMessage `json:"x509CertificateChain,omitempty"`
}

type publicKey struct {
	// Hint is not signed: it tells which key to try, and proves nothing.
	Hint string `json:"hint"`
}

// envelope is a DSSE envelope.
// https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid,omitempty"`
}

// encoding returns what is signed in place of a payload: DSSE's pre-authentication
// encoding, which binds the payload to its type.
// https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
func encoding(payloadType string, payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " "
	return slices.Concat([]byte(head), payload)
}

// parse reads a bundle with one signed statement.
func parse(text []byte) (*bundle, error) {
	if len(text) > MaxBundle {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrMalformed, len(text))
	}
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if b.MediaType == "" && b.Envelope == nil && isStatement(text) {
		return nil, ErrNoSignature
	}
	if b.MediaType != attest.BundleMediaType && b.MediaType != legacyMediaType {
		return nil, fmt.Errorf("%w: its media type is %q", ErrMalformed, b.MediaType)
	}
	if b.Envelope == nil {
		return nil, fmt.Errorf("%w: it has no envelope", ErrMalformed)
	}
	if b.Envelope.PayloadType != attest.MediaType {
		return nil, fmt.Errorf("%w: its payload is %q", ErrMalformed, b.Envelope.PayloadType)
	}
	switch n := len(b.Envelope.Signatures); {
	case n == 0 || n == 1 && len(b.Envelope.Signatures[0].Sig) == 0:
		return nil, ErrNoSignature
	case n > 1:
		return nil, fmt.Errorf("%w: it has %d signatures", ErrMalformed, n)
	}
	return &b, nil
}

func isStatement(text []byte) bool {
	var s attest.Statement
	return json.Unmarshal(text, &s) == nil && s.Type != ""
}

// ParseStatement reads a signed payload. Its signature has to be checked before.
func ParseStatement(payload []byte) (*attest.Statement, error) {
	var s attest.Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if s.Type != attest.StatementType {
		return nil, fmt.Errorf("%w: its payload is of type %q", ErrMalformed, s.Type)
	}
	return &s, nil
}

// seal writes a bundle with a statement's payload and its signature.
func seal(payload, sig []byte, hint string) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(bundle{
		MediaType:            attest.BundleMediaType,
		VerificationMaterial: material{PublicKey: &publicKey{Hint: hint}},
		Envelope:             &envelope{Payload: payload, PayloadType: attest.MediaType, Signatures: []signature{{Sig: sig}}},
	})
	return bytes.TrimSpace(text.Bytes()), err
}

func encode64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// ByCertificate tells whether a bundle is signed by the holder of a certificate instead
// of a key. Nothing of it is checked but its form.
func ByCertificate(text []byte) (bool, error) {
	b, err := parse(text)
	if err != nil {
		return false, err
	}
	return b.VerificationMaterial.PublicKey == nil && len(b.VerificationMaterial.Certificate)+len(b.VerificationMaterial.Chain) > 0, nil
}
