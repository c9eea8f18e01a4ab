package rig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"
)

// Namespace is where in a registry with a token server its users have rights.
const Namespace = "team"

// Login is somebody with a password.
type Login struct {
	User, Password string
	// hash is bcrypt's of the password.
	hash string
	may  []string
}

// Writer may push and pull, Reader may pull. htpasswd knows no such difference.
var (
	Writer = Login{"writer", "w-e2e-kq7Zt5Jx", "$2a$04$KuwVBL5ivMcLkt8BbZ48F.9N1yAN69l7DdYhCuQUKdT6KkgGIReP2", []string{"pull", "push"}}
	Reader = Login{"reader", "r-e2e-uV3mN8sB", "$2a$04$F2jUgVaIYRx3U.dWHubdIeVG5N8K1z5TJYXJfBBCK8qoUWb1ck96W", []string{"pull"}}

	logins = map[string]Login{Writer.User: Writer, Reader.User: Reader}
)

// RegistryServer is a registry on the loopback address.
type RegistryServer struct {
	// Address is its host and port for those who use it.
	Address string
	// Proxy is what listens there, or nil with TLS: then it is the registry itself.
	Proxy *Proxy
	// Login says that it wants one.
	Login bool
	// Tokens is the token server that it trusts, or nil.
	Tokens *Tokens
	// Certificate is the PEM file that a client has to trust, or empty without TLS.
	Certificate string
}

// Auth is how a registry knows who asks.
type Auth int

// The ways.
const (
	Anonymous Auth = iota
	Htpasswd
	Token
)

// RegistryOptions say which registry it is.
type RegistryOptions struct {
	// Program is docker-registry (Debian's 2.8, the default) or distribution (3).
	Program string
	// Auth may be Token without TLS only: the token server is part of the proxy.
	Auth Auth
	// Apart has the token server on a port of its own, which go-containerregistry and so
	// crane refuse on this machine.
	Apart bool
	// Lifetime of a token, five minutes by default.
	Lifetime time.Duration
	TLS      bool
}

// NewRegistry starts a real registry and stops it when the test ends.
func NewRegistry(t *testing.T, o RegistryOptions) *RegistryServer {
	t.Helper()
	s := &RegistryServer{Address: FreePort(t), Login: o.Auth != Anonymous}
	dir := t.TempDir()
	listen := object{"addr": s.Address}
	if o.TLS {
		own := newIdentity(t, "registry")
		s.Certificate = own.certificate
		listen["tls"] = object{"certificate": own.certificate, "key": own.private}
	} else {
		s.front(t)
	}
	config := object{
		"version": 0.1, "log": object{"level": "error", "accesslog": object{"disabled": true}}, "http": listen,
		"storage": object{"filesystem": object{"rootdirectory": filepath.Join(dir, "data")}, "delete": object{"enabled": true}},
	}
	if auth := s.auth(t, o, dir); auth != nil {
		config["auth"] = auth
	}
	// JSON is YAML.
	file := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(file, encode(t, config), 0o600))
	program := o.program(t)
	Daemon(t, append(Environ(), "OTEL_TRACES_EXPORTER=none"), program, "serve", file)
	s.wait(t)
	if s.Proxy != nil {
		s.Proxy.Take()
	}
	return s
}

func (o RegistryOptions) program(t *testing.T) string {
	t.Helper()
	if o.Program == "distribution" {
		return Tool(t, o.Program)
	}
	return Program(t, "docker-registry", "docker-registry")
}

// auth is that part of the configuration.
func (s *RegistryServer) auth(t *testing.T, o RegistryOptions, dir string) object {
	t.Helper()
	switch o.Auth {
	case Htpasswd:
		var lines strings.Builder
		for _, l := range logins {
			fmt.Fprintf(&lines, "%s:%s\n", l.User, l.hash)
		}
		file := filepath.Join(dir, "htpasswd")
		require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o600))
		return object{"htpasswd": object{"realm": "e2e", "path": file}}
	case Token:
		if o.Lifetime == 0 {
			o.Lifetime = 5 * time.Minute
		}
		s.Tokens = newTokens(t, o.Lifetime)
		s.Proxy.tokens = s.Tokens
		realm := "http://" + s.Address + tokenPath
		if o.Apart {
			own := httptest.NewServer(s.Tokens)
			t.Cleanup(own.Close)
			s.Proxy.tokens, realm = nil, own.URL+tokenPath
		}
		return object{"token": object{"realm": realm, "service": service, "issuer": issuer, "rootcertbundle": s.Tokens.signer.certificate}}
	}
	return nil
}

func (s *RegistryServer) wait(t *testing.T) {
	t.Helper()
	scheme := "http://"
	client := &http.Client{Timeout: 10 * time.Second}
	if s.Certificate != "" {
		scheme = "https://"
		client.Transport = &http.Transport{TLSClientConfig: s.Trust(t)}
	}
	Eventually(t, 2*time.Minute, "the registry answers", func() bool {
		resp, err := client.Get(scheme + s.Address + "/v2/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusUnauthorized
	})
}

// NewInProcess starts go-containerregistry's registry, with or without the referrers API.
func NewInProcess(t *testing.T, referrers bool) *RegistryServer {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers)))
	t.Cleanup(server.Close)
	s := &RegistryServer{Address: strings.TrimPrefix(server.URL, "http://")}
	s.front(t)
	return s
}

// front puts a proxy in front of a registry.
func (s *RegistryServer) front(t *testing.T) {
	t.Helper()
	s.Proxy = NewProxy(s.Address)
	t.Cleanup(s.Proxy.Close)
	s.Address = s.Proxy.Address
}

// Environ is what a program needs to use the registry as somebody: a configuration of
// docker's and the certificate.
func (s *RegistryServer) Environ(t *testing.T, who Login) []string {
	t.Helper()
	env := []string{"DOCKER_CONFIG=" + s.DockerConfig(t, who)}
	if s.Certificate != "" {
		env = append(env, "SSL_CERT_FILE="+s.Certificate)
	}
	return env
}

// DockerConfig writes a configuration of docker's into a folder of its own.
func (s *RegistryServer) DockerConfig(t *testing.T, who Login) string {
	t.Helper()
	auths := object{}
	if s.Login {
		auths[s.Address] = object{"auth": who.Basic()}
	}
	text, err := json.Marshal(object{"auths": auths})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600))
	return dir
}

// Trust is what a client of this process needs for a registry with TLS.
func (s *RegistryServer) Trust(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(s.Certificate)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
