package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/fault"
)

// The real runtimes are in ci/e2e. Here a script stands for one that fails.
func runtimes(t *testing.T, scripts map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	// A process that is forked while a script is written holds it open, and then it
	// cannot be run: https://go.dev/issue/22315
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	return []string{"PATH=" + dir}
}

const works = `case $1 in version) echo linux/amd64;; info) echo linux/arm64;; *) echo "$1: no space left" >&2; exit 125;; esac`

func TestFind_TakesTheFirstThatAnswers(t *testing.T) {
	t.Parallel()
	rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": works, "podman": works}))
	require.NoError(t, err)
	require.Equal(t, "docker", rt.Name)
	require.Equal(t, "linux/amd64", rt.Platform.String())

	env := runtimes(t, map[string]string{"docker": `echo "Cannot connect to the Docker daemon" >&2; exit 1`, "podman": works})
	rt, err = container.Find(t.Context(), env)
	require.NoError(t, err)
	require.Equal(t, "podman", rt.Name)
	require.Equal(t, "linux/arm64", rt.Platform.String())

	_, err = container.Find(t.Context(), append(env, "SLIPWAY_RUNTIME=docker"))
	require.Equal(t, fault.Engine, fault.KindOf(err))
}

func TestFind_SaysWhatEachRuntimeSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scripts map[string]string
		env     string
		says    string
	}{
		"none":    {nil, "", "podman: not on PATH"},
		"down":    {map[string]string{"docker": `echo "Cannot connect to the Docker daemon" >&2; exit 1`}, "", "docker: Cannot connect to the Docker daemon"},
		"strange": {map[string]string{"docker": "echo windows/amd64"}, "", `docker: platform "windows/amd64"`},
		"empty":   {map[string]string{"docker": "true"}, "", `docker: "" is not a platform`},
		"unknown": {nil, "SLIPWAY_RUNTIME=rkt", `"rkt", which is neither docker nor podman`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := container.Find(t.Context(), append(runtimes(t, c.scripts), c.env))
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, fault.Engine, f.Kind)
			require.Contains(t, joined(f.Detail), c.says)
			require.NotEmpty(t, f.Fix)
		})
	}
}

func joined(lines []string) string {
	all := ""
	for _, line := range lines {
		all += line + "\n"
	}
	return all
}

func TestRuntime_PassesOnWhatWentWrong(t *testing.T) {
	t.Parallel()
	rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": works}))
	require.NoError(t, err)
	err = rt.Load(t.Context(), "image.tar")
	require.Equal(t, fault.Engine, fault.KindOf(err))
	require.ErrorContains(t, err, "loading the image: docker said: load: no space left")
	_, err = rt.Start(t.Context(), container.Spec{Image: "localhost/x:1", Ports: []string{"8080/tcp"}})
	require.ErrorContains(t, err, "starting the container: docker said: run: no space left")
}

// started is what a runtime is asked to run.
func started(t *testing.T, name string, s container.Spec) string {
	t.Helper()
	rt, err := container.Find(t.Context(), append(runtimes(t, map[string]string{
		name: `case $1 in version|info) echo linux/amd64;; run) echo "$@" >&2; exit 125;; esac`,
	}), "SLIPWAY_RUNTIME="+name))
	require.NoError(t, err)
	_, err = rt.Start(t.Context(), s)
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	return joined(f.Detail)
}

func TestStart_TakesAwayWhatNoProgramNeeds(t *testing.T) {
	t.Parallel()
	said := started(t, "docker", container.Spec{Image: "localhost/x:1", Ports: []string{"80/tcp"}, Args: []string{"serve"}, Env: []string{"A=b"}})
	require.Regexp(t, `^run --detach --pull=never --name=slipway-[0-9a-f]{16} --read-only --cap-drop=ALL --memory=512m --pids-limit=512 --security-opt=no-new-privileges --rm --publish=127\.0\.0\.1::80/tcp --env=A=b localhost/x:1 serve\n$`, said)

	said = started(t, "podman", container.Spec{Image: "localhost/x:1", Ports: []string{"80/tcp"}, Kept: true, Capabilities: []string{"cap_net_raw"}})
	require.Contains(t, said, "--read-only-tmpfs=false --cap-add=CAP_NET_RAW --publish=127.0.0.1::80/tcp --sysctl=net.ipv4.ip_unprivileged_port_start=0 localhost/x:1")
	require.NotContains(t, said, "--rm ")
	require.NotContains(t, said, "no-new-privileges", "a file's capabilities are none then")
}

func TestRemove_AsksAgainWhatIsBusy(t *testing.T) {
	t.Parallel()
	for last, rm := range map[string]string{"gone": "exit 0", "absent": "echo 'Error: No such container: x' >&2; exit 1"} {
		dir := t.TempDir()
		script := "cd " + dir + `; case $1 in version) echo linux/amd64; exit 0;; run) echo 1; exit 0;; esac
			if [ ! -e once ]; then : >once; elif [ ! -e twice ]; then : >twice; else : >last; ` + rm + `; fi; echo busy >&2; exit 1`
		rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": script}))
		require.NoError(t, err)
		c, err := rt.Start(t.Context(), container.Spec{Image: "localhost/x:1", Kept: true})
		require.NoError(t, err)
		c.Remove(t.Context())
		require.FileExists(t, filepath.Join(dir, "last"), last)
	}
}

func TestWait_SaysHowAContainerEnded(t *testing.T) {
	t.Parallel()
	const script = `case $1 in version) echo linux/amd64;; run) echo 1;; wait) echo 137;; inspect) echo "137 true";; logs) echo out; echo err >&2;; *) exit 1;; esac`
	rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": script}))
	require.NoError(t, err)
	c, err := rt.Start(t.Context(), container.Spec{Image: "localhost/x:1", Kept: true})
	require.NoError(t, err)
	state, err := c.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, container.State{Code: 137, OutOfMemory: true}, state)
	var logs strings.Builder
	require.NoError(t, c.Logs(t.Context(), &logs))
	require.Contains(t, logs.String(), "err\n")
	require.ErrorContains(t, c.Signal(t.Context(), "SIGTERM"), "sending SIGTERM to the container: docker said")
}
