package rig

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Registry starts Debian's docker-registry on the loopback address and returns its
// host and port.
func Registry(t *testing.T) string {
	t.Helper()
	return RegistryOn(t, loopback)
}

const loopback = "127.0.0.1"

// RegistryOn is Registry on another host of this machine; "0.0.0.0" is all of them,
// and the address that it returns is then the one on loopback.
func RegistryOn(t *testing.T, host string) string {
	t.Helper()
	program := Program(t, "docker-registry", "docker-registry")
	address := FreePort(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	listen := net.JoinHostPort(host, port)
	if host != "0.0.0.0" {
		address = listen
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}
http: {addr: %q}
`, filepath.Join(dir, "data"), listen), 0o600))
	Daemon(t, Environ(), program, "serve", config)
	Eventually(t, 2*time.Minute, "the registry answers", func() bool {
		resp, err := http.Get("http://" + address + "/v2/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return address
}
