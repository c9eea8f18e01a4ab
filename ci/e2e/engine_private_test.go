package e2e_test

import (
	"archive/zip"
	"bytes"
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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// closedProxy is a module proxy with a password, over TLS, that has one private module,
// and a git host below /git/. It listens on every address, so that an engine's
// containers reach it.
type closedProxy struct {
	port, password string
	ca             string
	// version is the module's, another one in each run: an engine keeps what it has fetched.
	version string
	// repositories is the folder of the bare repositories.
	repositories string
	admitted     atomic.Int64
}

func newClosedProxy(t *testing.T, host string) *closedProxy {
	t.Helper()
	p := &closedProxy{password: "secret-" + rand.Text(), repositories: t.TempDir(), version: fmt.Sprintf("v1.0.%d", time.Now().UnixNano())}
	const mod = "module private.example/lib\n\ngo 1.25.0\n"
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for name, text := range map[string]string{"go.mod": mod, "lib.go": "package lib\n\n// Name is private.\nconst Name = \"private\"\n"} {
		f, err := w.Create("private.example/lib@" + p.version + "/" + name)
		require.NoError(t, err)
		_, err = io.WriteString(f, text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	files := map[string]string{
		"/private.example/lib/@v/" + p.version + ".info": fmt.Sprintf(`{"Version":%q}`, p.version), "/private.example/lib/@v/" + p.version + ".mod": mod,
		"/private.example/lib/@v/" + p.version + ".zip": packed.String(), "/private.example/lib/@v/list": p.version + "\n",
	}
	hosted := &cgi.Handler{
		Path: filepath.Join(rig.Must(t, "", rig.Environ(), "git", "--exec-path"), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + p.repositories, "GIT_HTTP_EXPORT_ALL=1"}, Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != p.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		p.admitted.Add(1)
		if strings.HasPrefix(r.URL.Path, "/git/") {
			hosted.ServeHTTP(w, r)
			return
		}
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	server.Listener.Close()
	server.Listener = listener
	_, p.port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	certificate, ca := certificateFor(t, host)
	p.ca = filepath.Join(t.TempDir(), "private.crt")
	require.NoError(t, os.WriteFile(p.ca, ca, 0o644))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return p
}

// service is a source that needs the private module, and a home with the .netrc that
// gets it.
func (p *closedProxy) service(t *testing.T, machine string) (src, home string) {
	t.Helper()
	src, home = t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/tide\n\ngo 1.25.0\n\nrequire private.example/lib " + p.version + "\n",
		"main.go": "package main\n\nimport \"private.example/lib\"\n\nfunc main() { println(lib.Name) }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(src, name), []byte(text), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(home, ".netrc"), fmt.Appendf(nil, "machine %s login gopher password %s\n", machine, p.password), 0o600))
	env := append(rig.Environ(), "HOME="+home, "GOMODCACHE="+t.TempDir(), "GOFLAGS=-mod=mod -modcacherw", "GOPROXY=https://"+machine, "GONOSUMDB=private.example", "SSL_CERT_FILE="+p.ca)
	require.Empty(t, rig.Must(t, src, env, "go", "mod", "tidy"))
	return src, home
}

// certificateFor is one that signs itself, for an address.
func certificateFor(t *testing.T, host string) (certificate tls.Certificate, ca []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "private"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.ParseIP(host)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A private module comes into the engine with the password of .netrc, and the password
// stays out of everything that the engine and Slipway keep and say.
func TestEngines_FetchPrivateModules(t *testing.T) {
	rig.Slow(t)
	// The host of the containers' way to this machine: an address of its own, on a
	// cable that leads to the engine's network.
	n := rig.NewNetwork(t)
	here, _ := n.Link(t)
	proxy := newClosedProxy(t, here)
	images := rig.NewStandins(t, "0.0.0.0")
	_, port, err := net.SplitHostPort(images.Address)
	require.NoError(t, err)
	mirror := net.JoinHostPort(here, port)
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "private", Network: n, Args: []string{"--mirror", "docker.io=" + mirror, "--plain-http", mirror, "--ca", proxy.ca}})

	cache := t.TempDir()
	build := func(t *testing.T, src, home string, env ...string) rig.Result {
		t.Helper()
		env = slices.Concat(e.Env, []string{"HOME=" + home, "SLIPWAY_CACHE=" + cache}, env)
		return rig.Run(t, t.TempDir(), env, slipway(t), "build", "--engine", "dagger", "--no-record", "--verbose", "--src", src, "--base", "builtin", "--builder", images.Builder, "--platform", "linux/amd64")
	}
	// Go compares the host with its port: cmd/go/internal/auth.
	machine := net.JoinHostPort(here, proxy.port)
	src, home := proxy.service(t, machine)
	settings := []string{"GOPROXY=https://" + machine, "GONOSUMDB=private.example"}
	t.Run("not without the password", func(t *testing.T) {
		r := build(t, src, t.TempDir(), settings...)
		require.Equal(t, cli.ExitSource, r.Code, r.Stderr)
		require.Contains(t, sentence(t, r), "refused to give private.example/lib")
	})
	t.Run("with it", func(t *testing.T) {
		before := proxy.admitted.Load()
		r := build(t, src, home, settings...)
		digestOf(t, r)
		require.Greater(t, proxy.admitted.Load(), before)
		require.NotContains(t, r.Stderr, proxy.password)
	})
	t.Run("by git with a password", func(t *testing.T) { requireByGit(t, proxy, here, build) })
	key := requireBySSH(t, proxy, here, build)
	state := filepath.Join(cacheDir(t), "engine", "engines", e.Name)
	for _, secret := range []string{proxy.password, key} {
		for _, dir := range []string{cache, state} {
			requireWithout(t, dir, secret)
		}
		require.NotContains(t, rig.Must(t, "", environment(t), slipway(t), "engine", "logs", "--name", e.Name), secret)
	}
}

// requireWithout looks for a secret in every file below dir.
func requireWithout(t *testing.T, dir, secret string) {
	t.Helper()
	r := rig.Run(t, "", rig.Environ(), "grep", "--recursive", "--files-with-matches", "--binary-files=text", "--fixed-strings", "--devices=skip", "--", secret, dir)
	require.Equal(t, 1, r.Code, "the secret is in %s%s", strings.TrimSpace(r.Stdout), r.Stderr)
}
