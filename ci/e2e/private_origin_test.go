package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"

	"example.com/slipway/ci/e2e/rig"
)

// privateHost is the host of the private modules. It is a name of the hosts file
// that only the programs under test have.
const privateHost = "git.private.example"

// origin is a private git host: HTTPS on an address of the loopback network, where
// nothing is had without the password but, below /open, what ?go-get=1 answers.
type origin struct {
	// hosts and ca are the files that name its address and its certificate authority.
	hosts, ca string
	// repositories is the folder of the bare repositories.
	repositories string
	password     string
	// admitted counts the requests for git that had the password.
	admitted atomic.Int64
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	rig.Root(t)
	rig.Program(t, "unshare", "util-linux")
	backend := filepath.Join(rig.Must(t, "", rig.Environ(), rig.Program(t, "git", "git"), "--exec-path"), "git-http-backend")
	_, err := os.Stat(backend)
	rig.Need(t, err == nil, "git-http-backend is missing: apt-get install git")
	o := &origin{repositories: t.TempDir(), password: "secret-" + rand.Text()}

	// An address of its own, because Go asks for modules on port 443 only.
	address := fmt.Sprintf("127.%d.%d.%d", 1+random(t, 250), random(t, 250), 1+random(t, 250))
	listener, err := net.Listen("tcp", address+":443")
	rig.Need(t, err == nil, "port 443 of a loopback address is not to be had: %v", err)
	o.hosts = filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, os.WriteFile(o.hosts, []byte("127.0.0.1 localhost\n"+address+" "+privateHost+"\n"), 0o644))

	server := httptest.NewUnstartedServer(o.serve(&cgi.Handler{
		Path: backend, Root: "/", Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + o.repositories, "GIT_HTTP_EXPORT_ALL=1"},
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{o.certificate(t)}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return o
}

func random(t *testing.T, limit int64) int64 {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(limit))
	require.NoError(t, err)
	return n.Int64()
}

// serve speaks as a git host does to go and to git.
func (o *origin) serve(backend http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		meta := r.URL.Query().Get("go-get") == "1"
		switch {
		case strings.HasPrefix(r.URL.Path, "/open/broken") && !meta:
			http.Error(w, "the disk of this host is broken", http.StatusInternalServerError)
		case password != o.password && (!meta || !strings.HasPrefix(r.URL.Path, "/open/")):
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case meta:
			module := privateHost + r.URL.Path
			fmt.Fprintf(w, `<html><head><meta name="go-import" content="%s git https://%s.git"></head></html>`, module, module)
		default:
			o.admitted.Add(1)
			backend.ServeHTTP(w, r)
		}
	}
}

// certificate makes a certificate of a new authority, which nobody else trusts.
func (o *origin) certificate(t *testing.T) tls.Certificate {
	t.Helper()
	sign := func(c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
		require.NoError(t, err)
		return der
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root := sign(authority, authority, authorityKey, authorityKey)
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: privateHost}, DNSNames: []string{privateHost},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, key, authorityKey)
	o.ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(o.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o644))
	return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
}

// publish makes a module v1.0.0 in a repository of its own and returns its path and
// the lines of a go.sum that has it.
func (o *origin) publish(t *testing.T, name string) (module, sums string) {
	t.Helper()
	module = privateHost + "/" + name
	return module, released(t, module, filepath.Join(o.repositories, name+".git"))
}

// released makes a module v1.0.0 in a bare repository and returns the lines of a go.sum
// that has it.
func released(t *testing.T, module, bare string) (sums string) {
	t.Helper()
	dir := t.TempDir()
	mod := "module " + module + "\n\ngo 1.25.0\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "motto.go"), []byte("package motto\n\nfunc Motto() string { return \"fluctuat nec mergitur\" }\n"), 0o644))
	all, err := dirhash.HashDir(dir, module+"@v1.0.0", dirhash.Hash1)
	require.NoError(t, err)
	alone, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(mod)), nil })
	require.NoError(t, err)
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message=motto")
	git(t, dir, "tag", "v1.0.0")
	git(t, dir, "clone", "--quiet", "--bare", dir, bare)
	return fmt.Sprintf("%s v1.0.0 %s\n%s v1.0.0/go.mod %s\n", module, all, module, alone)
}

// needing is a service that needs such a module.
func needing(t *testing.T, module, sums string) (src string) {
	t.Helper()
	src = t.TempDir()
	for file, text := range map[string]string{
		"go.mod":  "module example.com/harbour\n\ngo 1.25.0\n\nrequire " + module + " v1.0.0\n",
		"go.sum":  sums,
		"main.go": "package main\n\nimport motto \"" + module + "\"\n\nfunc main() { println(motto.Motto()) }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(src, file), []byte(text), 0o644))
	}
	return src
}
