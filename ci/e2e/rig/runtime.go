package rig

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Docker starts a docker daemon of the test's own in a network namespace of its
// own, and returns the environment in which docker and slipway find it.
func Docker(t *testing.T) (*Network, []string) {
	t.Helper()
	daemon := Program(t, "dockerd", "docker.io")
	Program(t, "iptables", "iptables")
	n := NewNetwork(t)
	// Socket paths are short on Linux, temporary folders of tests are not.
	dir, err := os.MkdirTemp("", "slipway-docker-")
	require.NoError(t, err)
	t.Cleanup(func() { cleanTree(t, dir) })
	socket := "unix://" + filepath.Join(dir, "docker.sock")
	name, args := n.Args(daemon, "--host", socket, "--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"))
	Daemon(t, Environ(), name, args...)
	env := append(Environ(), "DOCKER_HOST="+socket, "SLIPWAY_RUNTIME=docker")
	Eventually(t, 3*time.Minute, "dockerd answers", func() bool {
		return Run(t, "", env, "docker", "version").Code == 0
	})
	return n, env
}

// Podman prepares storage of the test's own for podman, which has no daemon.
func Podman(t *testing.T) (*Network, []string) {
	t.Helper()
	Program(t, "podman", "podman")
	n := NewNetwork(t)
	dir, err := os.MkdirTemp("", "slipway-podman-")
	require.NoError(t, err)
	t.Cleanup(func() { cleanTree(t, dir) })
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	storage := write("storage.conf", "[storage]\ndriver = \"overlay\"\ngraphroot = \""+filepath.Join(dir, "graph")+"\"\nrunroot = \""+filepath.Join(dir, "run")+"\"\n")
	// A machine without CAP_SYS_RESOURCE cannot raise limits as podman does by itself.
	conf := write("containers.conf", "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\ntmp_dir = \""+filepath.Join(dir, "tmp")+"\"\n[network]\nnetwork_config_dir = \""+filepath.Join(dir, "net")+"\"\n")
	env := append(Environ(), "CONTAINERS_STORAGE_CONF="+storage, "CONTAINERS_CONF="+conf, "SLIPWAY_RUNTIME=podman")
	t.Cleanup(func() { n.Run(t, "", env, "podman", "rm", "--all", "--force", "--time", "1") })
	return n, env
}

// cleanTree unmounts what a runtime left mounted below dir and removes dir. A shim
// that is just ending may still write there, so it is tried again.
func cleanTree(t *testing.T, dir string) {
	t.Helper()
	Eventually(t, 2*time.Minute, "nothing is left in "+dir, func() bool { return removeMounted(dir) == nil })
}

// removeMounted removes dir with what is mounted below it.
func removeMounted(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	return os.RemoveAll(dir)
}
