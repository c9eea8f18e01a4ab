package sign

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"example.com/slipway/ci/fault"
)

// Source says where a key is. What is wrong with it is a *fault.Error of kind Usage
// that has nothing of the key itself.
type Source struct {
	// Name is a file, or env:// and the name of an environment variable with the text
	// of one, as cosign takes it.
	Name string
	// PasswordFile has the password of a private key; where it is empty, the
	// environment variable Password has it.
	PasswordFile string
	Getenv       func(string) string
}

// Password is cosign's environment variable for the password of a private key.
const Password = "COSIGN_PASSWORD" //nolint:gosec // its name

const (
	fromEnvironment = "env://"
	// maxKey bounds a key's file, in bytes.
	maxKey = 64 << 10
)

// Key reads a private key: one that cosign generate-key-pair made, which is encrypted,
// or a plain one in PEM form.
func (s Source) Key() (*Key, error) {
	block, err := s.block(map[string]bool{
		sigstoreKey: true, cosignKey: true, "PRIVATE KEY": true, "EC PRIVATE KEY": true, "RSA PRIVATE KEY": true,
	}, "private")
	if err != nil {
		return nil, err
	}
	private, err := s.private(block)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, s.wrong("it is no key that signs")
	}
	key, err := NewKey(signer)
	if err != nil {
		return nil, s.wrong(err.Error())
	}
	return key, nil
}

// Public reads a public key in PEM form.
func (s Source) Public() (crypto.PublicKey, error) {
	block, err := s.block(map[string]bool{"PUBLIC KEY": true}, "public")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, s.wrong("it cannot be read")
	}
	if err := usable(key); err != nil {
		return nil, s.wrong(err.Error())
	}
	return key, nil
}

// Names of PEM blocks with what cosign encrypts.
const (
	sigstoreKey = "ENCRYPTED SIGSTORE PRIVATE KEY"
	cosignKey   = "ENCRYPTED COSIGN PRIVATE KEY"
)

func (s Source) private(block *pem.Block) (any, error) {
	der := block.Bytes
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		private, err := x509.ParseECPrivateKey(der)
		if err != nil {
			return nil, s.wrong("it cannot be read")
		}
		return private, nil
	case "RSA PRIVATE KEY":
		private, err := x509.ParsePKCS1PrivateKey(der)
		if err != nil {
			return nil, s.wrong("it cannot be read")
		}
		return private, nil
	case sigstoreKey, cosignKey:
		if der, err = s.decrypt(der); err != nil {
			return nil, err
		}
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, s.wrong("it cannot be read")
	}
	return private, nil
}

func (s Source) decrypt(sealed []byte) ([]byte, error) {
	password, where := []byte(s.getenv(Password)), Password
	if s.PasswordFile != "" {
		text, err := readFile(s.PasswordFile)
		if err != nil {
			return nil, fault.New(fault.Usage, "reading the password of the key %s: %v", s.Name, err).WithCause(err).WithFix("name a file with the password")
		}
		password, where = bytes.TrimRight(text, "\r\n"), s.PasswordFile
	}
	der, err := encrypted.Decrypt(sealed, password)
	if err == nil {
		return der, nil
	}
	if len(password) == 0 {
		return nil, s.wrong("it is encrypted, and "+where+" has no password").WithFix("set %s, or name a file that has the password", Password)
	}
	return nil, s.wrong("the password in " + where + " does not open it").WithFix("give the password with which it was made")
}

// block returns the first PEM block of one of the types.
func (s Source) block(types map[string]bool, kind string) (*pem.Block, error) {
	text, err := s.read()
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if types[block.Type] && block.Headers["Proc-Type"] == "" {
			return block, nil
		}
		if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["Proc-Type"] != "" {
			return nil, s.wrong("it is encrypted in a way that only openssl reads").
				WithFix("cosign import-key-pair makes a key of it that cosign and Slipway read")
		}
	}
	return nil, s.wrong("there is no " + kind + " key in it").WithFix("cosign generate-key-pair makes cosign.key, which is private, and cosign.pub, which is public")
}

func (s Source) read() ([]byte, error) {
	// Somebody may give the key itself, and it must not be in an error then.
	if strings.ContainsAny(s.Name, "\r\n") || strings.Contains(s.Name, "-----BEGIN") {
		return nil, fault.New(fault.Usage, "a key is given where the name of its file belongs").WithFix("write it into an environment variable, and give env://NAME")
	}
	if name, ok := strings.CutPrefix(s.Name, fromEnvironment); ok {
		text := s.getenv(name)
		if text == "" {
			return nil, s.wrong("the environment has no "+name).WithFix("set %s to the text of the key", name)
		}
		return []byte(text), nil
	}
	if strings.Contains(s.Name, "://") {
		return nil, s.wrong("Slipway reads keys from files and from env://NAME").WithFix("cosign signs with keys that others keep: publish without a key, and sign the digest with it")
	}
	text, err := readFile(s.Name)
	if err != nil {
		return nil, s.wrong(err.Error()).WithCause(err).WithFix("name a file with a key, or env://NAME")
	}
	return text, nil
}

func (s Source) wrong(what string) *fault.Error {
	return fault.New(fault.Usage, "reading the key %s: %s", s.Name, what).WithFix("take a key that cosign generate-key-pair makes")
}

func (s Source) getenv(name string) string {
	if s.Getenv == nil {
		return ""
	}
	return s.Getenv(name)
}

// readFile reads a small file.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, failed.Err // whoever says it names the file
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKey+1))
	if err == nil && len(text) > maxKey {
		err = errors.New("it is too large for a key")
	}
	return text, err
}
