package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// farLab is an engine in a network of its own with nothing in its caches, reached over
// TLS at its address there. It gets modules from this machine, at the address in proxy.
func farLab(t *testing.T, l *lab) (far *lab, proxy string) {
	t.Helper()
	n := rig.NewNetwork(t)
	here, there := n.Link(t)
	_, port, err := net.SplitHostPort(l.images.Address)
	require.NoError(t, err)
	registry := net.JoinHostPort(here, port)
	args := []string{"--listen", "tcp://" + there + ":8443", "--mirror", "docker.io=" + registry, "--plain-http", registry}
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "far", Network: n, Args: args})
	status := rig.Must(t, "", environment(t), slipway(t), "engine", "status", "--name", e.Name)
	_, address, _ := strings.Cut(status, "remote")
	address, _, _ = strings.Cut(strings.TrimSpace(address), "\n")
	require.Contains(t, address, "tls://"+there+":8443?")
	e.Env = append(e.Env, "_EXPERIMENTAL_DAGGER_RUNNER_HOST=", "SLIPWAY_ENGINE_HOST="+address)

	listener, err := net.Listen("tcp", here+":0")
	require.NoError(t, err)
	cache := rig.Must(t, "", rig.Environ(), "go", "env", "GOMODCACHE")
	server := &http.Server{Handler: http.FileServer(http.Dir(filepath.Join(cache, "cache", "download"))), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return &lab{images: l.images, engine: e, program: l.program}, "GOPROXY=http://" + listener.Addr().String()
}

// overSSH are the variables that let Slipway reach an engine over ssh with a key, at the
// address that the engine's status says: on the other side the dagger command runs the
// buildctl program that engine up has built.
func overSSH(t *testing.T, e *rig.Engine, server *rig.SSH, key string) []string {
	t.Helper()
	address := strings.Replace(e.SSH, "HOST", "root@"+net.JoinHostPort(server.Host, server.Port), 1)
	return reachedWith(server.Client(t, key), address)
}

// throughKubectl lets Slipway reach an engine as one in a pod. There is no cluster: the
// program in the place of kubectl wants to be called as it, and does on this machine
// what the real one does in the pod, where the engine listens at its own address.
func throughKubectl(t *testing.T, e *rig.Engine) []string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
[ "$*" = "--context=harbour --namespace=ci exec --container=engine -i dagger-0 -- buildctl dial-stdio" ] || { echo "unexpected: $*" >&2; exit 1; }
exec %s/buildctl --addr %s dial-stdio
`, e.Programs, e.Address)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kubectl"), []byte(script), 0o700))
	return reachedWith(dir, "kube-pod://dagger-0?context=harbour&namespace=ci&container=engine")
}

// reachedWith are the variables of an address that needs a program of that folder.
func reachedWith(dir, address string) []string {
	return []string{"PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH"), "_EXPERIMENTAL_DAGGER_RUNNER_HOST=", "SLIPWAY_ENGINE_HOST=" + address}
}
