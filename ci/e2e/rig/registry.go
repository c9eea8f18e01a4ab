package rig

import (
	"fmt"
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
	program := Program(t, "docker-registry", "docker-registry")
	address := FreePort(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}
http: {addr: %q}
`, filepath.Join(dir, "data"), address), 0o600))
	Daemon(t, Environ(), program, "serve", config)
	Eventually(t, 20*time.Second, "the registry answers", func() bool {
		resp, err := http.Get("http://" + address + "/v2/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return address
}
