package virtual

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// authority issues certificates for tokens, and logs them.
type authority struct {
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey
	// logKey is that of the log of certificates.
	logKey *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	a := &authority{}
	if a.key, err = newKey(); err != nil {
		return nil, err
	}
	if a.logKey, err = newKey(); err != nil {
		return nil, err
	}
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"virtual"}},
			NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
		}
	}
	root, between := template("virtual"), template("virtual-intermediate")
	between.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	if a.root, err = issue(root, root, &rootKey.PublicKey, rootKey); err != nil {
		return nil, err
	}
	a.intermediate, err = issue(between, a.root, &a.key.PublicKey, rootKey)
	return a, err
}

func issue(template, parent *x509.Certificate, public crypto.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// claims are those of a token that decide a certificate.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
}

// Token says for a while that somebody is subject, an address.
func (s *Sigstore) Token(subject string, expires time.Time) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(encode(v)) }
	return part(object{"alg": "none"}) + "." + part(claims{Issuer, subject, "sigstore", expires.Unix()}) + ".c2lnbmF0dXJl"
}

func read(r *http.Request) (claims, error) {
	var c claims
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !found || len(parts) != 3 {
		return c, errors.New("there is no token")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	switch {
	case err != nil:
		return c, err
	case time.Unix(c.Expires, 0).Before(time.Now()):
		return c, errors.New("the token has expired")
	case c.Audience != "sigstore" || c.Issuer != Issuer:
		return c, errors.New("the token is for somebody else")
	}
	return c, nil
}

// signingCert is Fulcio's. https://github.com/sigstore/fulcio/blob/main/fulcio.proto
func (s *Sigstore) signingCert(w http.ResponseWriter, r *http.Request) {
	who, err := read(r)
	if err != nil {
		refuse(w, http.StatusUnauthorized, err.Error())
		return
	}
	var wanted struct {
		PublicKeyRequest struct {
			PublicKey         struct{ Content string }
			ProofOfPossession []byte
		}
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&wanted); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	public, err := possessed(wanted.PublicKeyRequest.PublicKey.Content, wanted.PublicKeyRequest.ProofOfPossession, who.Subject)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	leaf, err := s.authority.certify(public, who)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	var chain []string
	for _, each := range []*x509.Certificate{leaf, s.authority.intermediate, s.authority.root} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: each.Raw})))
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(object{"signedCertificateEmbeddedSct": object{"chain": object{"certificates": chain}}}))
}

// possessed reads a public key whose holder signed the subject.
func possessed(text string, proof []byte, subject string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("there is no public key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*ecdsa.PublicKey)
	sum := sha256.Sum256([]byte(subject))
	if !ok || !ecdsa.VerifyASN1(public, sum[:], proof) {
		return nil, errors.New("the key is not possessed")
	}
	return public, nil
}

// Extensions of certificates: Fulcio's issuer, and the log's signed time.
// https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
var (
	issuerOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	loggedOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

// certify issues a certificate. It is made twice: what the log signs is all of it but
// the log's own signature.
func (a *authority) certify(public *ecdsa.PublicKey, who claims) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(who.Subject)
	if err != nil {
		return nil, err
	}
	issuer, err := asn1.MarshalWithParams(who.Issuer, "utf8")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, URIs: []*url.URL{address}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(9 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: issuerOID, Value: issuer}},
	}
	bare, err := issue(template, a.intermediate, public, a.key)
	if err != nil {
		return nil, err
	}
	logged, err := a.logged(bare)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: loggedOID, Value: logged})
	return issue(template, a.intermediate, public, a.key)
}

// logged is the extension that says that a certificate is in the log: a list of one
// signed certificate timestamp. https://www.rfc-editor.org/rfc/rfc6962#section-3.3
func (a *authority) logged(bare *x509.Certificate) ([]byte, error) {
	now := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli())) //nolint:gosec // after 1970
	issuer := sha256.Sum256(a.intermediate.RawSubjectPublicKeyInfo)
	tbs := bare.RawTBSCertificate
	message := bytes.Join([][]byte{{0, 0}, now, {0, 1}, issuer[:], {byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}, tbs, {0, 0}}, nil)
	sig, err := signature(a.logKey, message)
	if err != nil {
		return nil, err
	}
	stamp := bytes.Join([][]byte{{0}, keyID(a.logKey), now, {0, 0}, {4, 3}, sized(sig)}, nil)
	return asn1.Marshal(sized(sized(stamp)))
}

// sized is bytes with their number before them, in two bytes.
func sized(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) //nolint:gosec // a signature
}
