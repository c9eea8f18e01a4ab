package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// An engine of its own is started, answers, is found again, survives being killed, and
// leaves nothing.
func TestEngineUp_StartsAnswersAndLeavesNothing(t *testing.T) {
	rig.Slow(t)
	net := rig.NewNetwork(t)
	name := fmt.Sprintf("e2e-life-%d", os.Getpid())
	before := traces(t, net, name)
	run := func(args ...string) rig.Result {
		return net.Run(t, t.TempDir(), environment(t), slipway(t), append([]string{"engine", "--name", name}, args...)...)
	}
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "life", Network: net})
	require.Equal(t, name, e.Name)
	require.Equal(t, "v0.21.8", rig.Must(t, "/", e.Env, e.Dagger, "--silent", "core", "version"))

	pid := pidOf(t, run("status"))
	requireWithin(t, 2*time.Second, func() rig.Result {
		again := run("up")
		require.Zero(t, again.Code, again.Stderr)
		require.Equal(t, e.Address+"\n", again.Stdout)
		require.Contains(t, again.Stderr, "runs already")
		return again
	})
	require.Equal(t, pid, pidOf(t, run("status")))
	require.Contains(t, run("logs").Stdout, "running server on")

	// Other settings start it again, with the same caches.
	other := run("up", "--mirror", "docker.io=127.0.0.1:5000")
	require.Zero(t, other.Code, other.Stderr)
	require.Contains(t, other.Stderr, "other settings")
	restarted := pidOf(t, run("status"))
	require.NotEqual(t, pid, restarted)

	// A killed engine is known to be gone, and up puts another in its place.
	require.NoError(t, syscall.Kill(restarted, syscall.SIGKILL))
	rig.Eventually(t, time.Minute, "the engine is gone", func() bool { return run("status").Code != 0 })
	ended := run("status")
	require.Equal(t, 40, ended.Code)
	require.Contains(t, ended.Stderr, "ended without being stopped")
	require.Equal(t, 40, run("env").Code)
	r := run("up")
	require.Zero(t, r.Code, r.Stderr)
	require.Equal(t, "v0.21.8", rig.Must(t, "/", e.Env, e.Dagger, "--silent", "core", "version"))

	r = run("down", "--prune")
	require.Zero(t, r.Code, r.Stderr)
	require.Equal(t, 40, run("status").Code)
	require.Equal(t, before, traces(t, net, name))
	r = run("down")
	require.Zero(t, r.Code, "down of what does not run is no error: %s", r.Stderr)
}

var pidLine = regexp.MustCompile(`(?m)^pid +(\d+)$`)

func pidOf(t *testing.T, r rig.Result) int {
	t.Helper()
	require.Zero(t, r.Code, r.Stderr)
	m := pidLine.FindStringSubmatch(r.Stdout)
	require.NotNil(t, m, r.Stdout)
	pid, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return pid
}

// traces are what an engine could leave on a machine: mounts, control groups,
// processes, network devices and packet filter rules.
func traces(t *testing.T, net *rig.Network, name string) []string {
	t.Helper()
	var found []string
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, name) {
			found = append(found, line)
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/slipway/" + name, "/sys/fs/cgroup/*/slipway/" + name, "/run/slipway/" + name} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		found = append(found, names...)
	}
	for line := range strings.Lines(rig.Must(t, "", rig.Environ(), "ps", "-eo", "args")) {
		if strings.Contains(line, name) && !strings.Contains(line, "flock") {
			found = append(found, line)
		}
	}
	for _, args := range [][]string{{"ip", "-brief", "link"}, {"iptables-nft-save", "-t", "nat"}, {"iptables-nft-save", "-t", "filter"}, {"iptables-legacy-save", "-t", "nat"}, {"iptables-legacy-save", "-t", "filter"}} {
		for line := range strings.Lines(net.Run(t, "", rig.Environ(), args[0], args[1:]...).Stdout) {
			// Empty tables appear with the first question; counters and comments vary.
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "*") && !strings.HasPrefix(line, "COMMIT") && !builtinChain.MatchString(line) {
				found = append(found, line)
			}
		}
	}
	return found
}

var builtinChain = regexp.MustCompile(`^:[A-Z]+ ACCEPT `)

// A module written in Go answers: the engine has the content of its Go SDK.
func TestEngineUp_CallsAModule(t *testing.T) {
	rig.Slow(t)
	e := engines.Start(t, slipway(t), rig.EngineOptions{})
	dir := t.TempDir()
	for file, text := range map[string]string{
		"dagger.json": `{"name": "tide", "engineVersion": "v0.21.8", "sdk": {"source": "go"}}`,
		"main.go": `package main

type Tide struct{}

// High says when the water is high.
func (m *Tide) High() string { return "06:12" }
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
	}
	start := time.Now()
	require.Equal(t, "06:12", rig.Must(t, dir, e.Env, e.Dagger, "--silent", "call", "high"))
	t.Logf("first call: %s", time.Since(start).Round(100*time.Millisecond))
	start = time.Now()
	require.Equal(t, "06:12", rig.Must(t, dir, e.Env, e.Dagger, "--silent", "call", "high"))
	t.Logf("second call: %s", time.Since(start).Round(100*time.Millisecond))
}

// Clients on other machines are known by their certificate.
func TestEngineUp_ListensWithTLS(t *testing.T) {
	rig.Slow(t)
	net := rig.NewNetwork(t)
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "tls", Network: net, Args: []string{"--listen", "tcp://127.0.0.1:8443"}})
	status := rig.Must(t, "", environment(t), slipway(t), "engine", "status", "--name", e.Name)
	_, address, _ := strings.Cut(status, "remote")
	address, _, _ = strings.Cut(strings.TrimSpace(address), "\n")
	require.Contains(t, address, "tls://127.0.0.1:8443?ca_path=")

	core := func(host string, limit time.Duration) rig.Result {
		env := append(slices.Clone(e.Env), "_EXPERIMENTAL_DAGGER_RUNNER_HOST="+host)
		return net.Run(t, "/", env, "timeout", fmt.Sprint(limit.Seconds()), e.Dagger, "--silent", "core", "version")
	}
	known := core(address, 5*time.Minute)
	require.Zero(t, known.Code, known.Stderr)
	require.Contains(t, known.Stdout, "v0.21.8")
	// The dagger command tries for longer than that.
	stranger := core(address[:strings.Index(address, "&cert_path")], 20*time.Second+2*known.Took)
	require.NotZero(t, stranger.Code)
	require.NotContains(t, stranger.Stdout, "v0.21.8")

	keys, err := filepath.Glob(filepath.Join(cacheDir(t), "engine", "engines", e.Name, "tls", "*.pem"))
	require.NoError(t, err)
	require.Len(t, keys, 6)
	for _, key := range keys {
		info, err := os.Stat(key)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), key)
	}
}

// What cannot work is said in a sentence, before anything takes time.
func TestEngineUp_SaysWhatIsMissing(t *testing.T) {
	rig.Slow(t)
	rig.Root(t)
	name := fmt.Sprintf("e2e-missing-%d", os.Getpid())
	program := slipway(t)
	up := func(env []string, user uint32, args ...string) rig.Result {
		var stderr strings.Builder
		cmd := exec.Command(program, append([]string{"engine", "up", "--name", name}, args...)...)
		cmd.Env, cmd.Dir, cmd.Stderr = env, "/", &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		_ = cmd.Run()
		return rig.Result{Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	}
	// The program lies in a folder of root's.
	require.NoError(t, os.Chmod(folder, 0o755))
	for what, c := range map[string]struct {
		result rig.Result
		code   int
		want   string
	}{
		"another user":      {up(environment(t), 65534), 40, "run this as root"},
		"no programs":       {up(environment(t, "PATH=/nowhere"), 0), 40, "there is no runc on PATH, which a Dagger engine needs here\nfix: on Debian or Ubuntu: apt-get install runc"},
		"a bad address":     {up(environment(t), 0, "--listen", "tcp://0.0.0.0"), 2, "write it as tcp://HOST:PORT"},
		"a foreign address": {up(environment(t), 0, "--listen", "tcp://203.0.113.7:8443"), 40, "cannot listen on tcp://203.0.113.7:8443"},
	} {
		require.Equal(t, c.code, c.result.Code, "%s: %s", what, c.result.Stderr)
		require.Contains(t, c.result.Stderr, c.want, what)
	}
	require.NoDirExists(t, filepath.Join("/run/slipway", name))
	rig.Run(t, "", environment(t), program, "engine", "down", "--name", name, "--prune")
}
