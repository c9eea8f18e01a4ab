package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ExitCodes(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"version", []string{"--version"}, 0, "devel unknown " + runtime.Version() + "\n", ""},
		{"help", []string{"--help"}, 0, "Usage: server", ""},
		{"wrong flag", []string{"--port"}, 2, "", "server: reading the arguments: "},
		{"address taken", []string{"--addr", taken.Addr().String()}, 1, "", `"error":"opening the listener: `},
		{"address malformed", []string{"--addr", "nowhere"}, 1, "", `"error":"opening the listener: `},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, test.code, run(t.Context(), test.args, &stdout, &stderr))
			require.Contains(t, stdout.String(), test.stdout)
			require.Contains(t, stderr.String(), test.stderr)
			require.Equal(t, test.stdout == "", stdout.Len() == 0)
			require.Equal(t, test.stderr == "", stderr.Len() == 0)
		})
	}
}

// The linker is silent about an -X that names no variable, and only a process has
// signals and an exit code: so this is the binary itself.
func TestServer_SaysItsBuildAndStopsOnSIGTERM(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the binary")
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM")
	}
	server := exec.CommandContext(t.Context(), binary(t), "--addr", "127.0.0.1:0")
	logs, err := server.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() { _ = server.Process.Kill() })

	lines := bufio.NewReader(logs)
	line, err := lines.ReadBytes('\n')
	require.NoError(t, err)
	var record struct{ Msg, Addr, Version, Commit string }
	require.NoError(t, json.Unmarshal(line, &record), "%s", line)
	require.Equal(t, "serving", record.Msg)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+record.Addr+"/version", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"version":"v1.2.3","commit":"0123abc","go":"`+runtime.Version()+`"}`, string(body))

	require.NoError(t, server.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(lines) // Wait closes the pipe, so its end comes first.
	require.NoError(t, err)
	require.NoError(t, server.Wait(), "%s", rest)
	require.Contains(t, string(rest), `"msg":"stopped"`)
}

// binary builds the server as the image has it, with a version and a commit.
func binary(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "server")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version=v1.2.3 -X main.commit=0123abc", "-o", out, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return out
}
