// Package signtest makes keys for tests of what is signed.
package signtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sign"
)

// Key is a new key as cosign makes them.
func Key(t testing.TB) *sign.Key {
	t.Helper()
	key, err := sign.NewKey(private(t))
	require.NoError(t, err)
	return key
}

// Trust is in some keys.
func Trust(keys ...*sign.Key) *sign.Trust {
	t := &sign.Trust{}
	for _, k := range keys {
		t.Keys = append(t.Keys, k.Public())
	}
	return t
}

// Files writes a new key, and returns the files of its private and its public half.
func Files(t testing.TB) (privateFile, publicFile string) {
	t.Helper()
	key, dir := private(t), t.TempDir()
	write := func(name, kind string, der []byte, err error) string {
		require.NoError(t, err)
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return name
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	privateFile = write("release.key", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(key.Public())
	return privateFile, write("release.pub", "PUBLIC KEY", der, err)
}

func private(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}
