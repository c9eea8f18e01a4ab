package e2e_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// The image is loaded and started by real runtimes: as uid 65532, on a read-only
// root, without capabilities and new privileges. The sample service answers.
func TestRun_InARealRuntime(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for name, c := range map[string]struct {
		start func(*testing.T) (*rig.Network, []string)
		base  []string
	}{
		"docker": {rig.Docker, []string{"--base", "builtin"}},
		"podman": {rig.Podman, []string{"--base", "scratch", "--certs", "bundled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net, env := c.start(t)
			program, args := net.Args(slipway(t), slices.Concat([]string{"run", "--src", repository(t)}, c.base)...)
			cmd := exec.Command(program, args...)
			cmd.Dir, cmd.Env = t.TempDir(), slices.Concat(env, []string{"SLIPWAY_CACHE=" + cacheDir(t)})
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err, "%s", &stderr)
			address := strings.TrimSpace(line)

			var version map[string]string
			require.NoError(t, json.Unmarshal([]byte(net.Must(t, "", env, "curl", "-sS", "--fail", address+"/version")), &version))
			require.NotEmpty(t, version["version"])
			require.Equal(t, "go1.26.9", version["go"])
			clock := net.Must(t, "", env, "curl", "-sS", "--fail", address+"/time?tz=Asia/Jakarta")
			require.Contains(t, clock, "+07:00")

			id := net.Must(t, "", env, name, "ps", "--quiet")
			requireRestricted(t, net, env, name, id)

			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
			err = cmd.Wait()
			require.Error(t, err)
			require.Equal(t, 130, cmd.ProcessState.ExitCode(), "%s", &stderr)
			rig.Eventually(t, time.Minute, "the container is gone", func() bool {
				return net.Must(t, "", env, name, "ps", "--all", "--quiet") == ""
			})
		})
	}
}

// requireRestricted asks the kernel, not the runtime, what the process may do.
func requireRestricted(t *testing.T, net *rig.Network, env []string, name, id string) {
	t.Helper()
	pid := net.Must(t, "", env, name, "inspect", "--format", "{{.State.Pid}}", id)
	status, err := os.ReadFile("/proc/" + pid + "/status")
	require.NoError(t, err)
	for _, want := range []string{"Uid:\t65532\t65532", "Gid:\t65532\t65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
		require.Contains(t, string(status), want)
	}
	mounts, err := os.ReadFile("/proc/" + pid + "/mounts")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^\S+ / \S+ ro,`, string(mounts), "the root is read-only")
}
