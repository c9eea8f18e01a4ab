package sign_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/fault"
)

func block(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}

// pkcs8 is a private key in its usual form.
func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

func write(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(name, text, 0o600))
	return name
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestSource_ReadsPlainKeysOfEveryKind(t *testing.T) {
	t.Parallel()
	for name, private := range keys(t) {
		forms := map[string][]byte{"PKCS8": block("PRIVATE KEY", pkcs8(t, private))}
		switch k := private.(type) {
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(k)
			require.NoError(t, err)
			// openssl ecparam -genkey writes the curve first.
			forms["EC"] = append(block("EC PARAMETERS", []byte{5, 0}), block("EC PRIVATE KEY", der)...)
		case *rsa.PrivateKey:
			forms["PKCS1"] = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
		}
		for form, text := range forms {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				key, err := sign.Source{Name: write(t, text)}.Key()
				require.NoError(t, err)
				require.Equal(t, private.Public(), key.Public())
			})
		}
		t.Run(name+" public", func(t *testing.T) {
			t.Parallel()
			der, err := x509.MarshalPKIXPublicKey(private.Public())
			require.NoError(t, err)
			key, err := sign.Source{Name: write(t, block("PUBLIC KEY", der))}.Public()
			require.NoError(t, err)
			require.Equal(t, private.Public(), key)
		})
	}
}

func TestSource_ReadsWhatCosignEncrypts(t *testing.T) {
	t.Parallel()
	private := keys(t)["P-256"]
	sealed, err := encrypted.EncryptWithCustomKDFParameters(pkcs8(t, private), []byte("pass word"), encrypted.Legacy)
	require.NoError(t, err)
	for _, kind := range []string{"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"} {
		text := block(kind, sealed)
		password := write(t, []byte("pass word\n"))
		for name, s := range map[string]sign.Source{
			"a file, the password in the environment": {Name: write(t, text), Getenv: env("COSIGN_PASSWORD", "pass word")},
			"a file, the password in a file":          {Name: write(t, text), PasswordFile: password, Getenv: env("COSIGN_PASSWORD", "another")},
			"the environment":                         {Name: "env://KEY", Getenv: env("KEY", string(text), "COSIGN_PASSWORD", "pass word")},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				key, err := s.Key()
				require.NoError(t, err)
				require.Equal(t, private.Public(), key.Public())
			})
		}
	}
}

func TestSource_SaysWhatIsWrongAndNothingOfTheKey(t *testing.T) {
	t.Parallel()
	private := keys(t)["P-256"]
	der := pkcs8(t, private)
	plain := string(block("PRIVATE KEY", der))
	sealed, err := encrypted.EncryptWithCustomKDFParameters(der, []byte("pass word"), encrypted.Legacy)
	require.NoError(t, err)
	cosign := block("ENCRYPTED SIGSTORE PRIVATE KEY", sealed)
	strange := strings.Replace(string(sealed), `"scrypt"`, `"script"`, 1)
	openssl := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: der})
	for name, c := range map[string]struct {
		source sign.Source
		says   string
	}{
		"no file":                 {sign.Source{Name: filepath.Join(t.TempDir(), "none")}, "none: no such file or directory: name a file"},
		"a folder":                {sign.Source{Name: t.TempDir()}, "is a directory"},
		"a file without end":      {sign.Source{Name: "/dev/zero"}, "too large"},
		"no key in it":            {sign.Source{Name: write(t, []byte("hello"))}, "no private key in it"},
		"a public key":            {sign.Source{Name: write(t, block("PUBLIC KEY", []byte("a")))}, "no private key in it"},
		"a broken key":            {sign.Source{Name: write(t, block("PRIVATE KEY", der[1:]))}, "it cannot be read"},
		"a broken EC key":         {sign.Source{Name: write(t, block("EC PRIVATE KEY", der))}, "it cannot be read"},
		"a broken RSA key":        {sign.Source{Name: write(t, block("RSA PRIVATE KEY", der))}, "it cannot be read"},
		"openssl's encryption":    {sign.Source{Name: write(t, openssl)}, "cosign import-key-pair"},
		"PKCS8's encryption":      {sign.Source{Name: write(t, block("ENCRYPTED PRIVATE KEY", der))}, "cosign import-key-pair"},
		"no password":             {sign.Source{Name: write(t, cosign)}, "COSIGN_PASSWORD has no password: set COSIGN_PASSWORD"},
		"another password":        {sign.Source{Name: write(t, cosign), Getenv: env("COSIGN_PASSWORD", "secret word")}, "the password in COSIGN_PASSWORD does not open it"},
		"no file for a password":  {sign.Source{Name: write(t, cosign), PasswordFile: filepath.Join(t.TempDir(), "none")}, "reading the password of the key"},
		"another encryption":      {sign.Source{Name: write(t, block("ENCRYPTED COSIGN PRIVATE KEY", []byte(strange))), Getenv: env("COSIGN_PASSWORD", "pass word")}, "does not open it"},
		"an unset variable":       {sign.Source{Name: "env://KEY"}, "the environment has no KEY: set KEY"},
		"a key that others keep":  {sign.Source{Name: "awskms:///alias/key"}, "from files and from env://NAME"},
		"a key instead of a name": {sign.Source{Name: plain}, "a key is given where the name of its file belongs"},
		"a key in one line":       {sign.Source{Name: strings.ReplaceAll(plain, "\n", " ")}, "a key is given where the name of its file belongs"},
		"a variable without key":  {sign.Source{Name: "env://KEY", Getenv: env("KEY", "secret word")}, "reading the key env://KEY: there is no private key in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.source.Key()
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret word")
			for line := range strings.Lines(plain) {
				require.NotContains(t, err.Error(), strings.TrimSpace(line))
			}
		})
	}
	_, err = sign.Source{Name: write(t, []byte(plain))}.Public()
	require.ErrorContains(t, err, "there is no public key in it")
	_, err = sign.Source{Name: write(t, block("PUBLIC KEY", der))}.Public()
	require.ErrorContains(t, err, "it cannot be read")
}
