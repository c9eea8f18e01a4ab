package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/process"
)

// BuildKit is a real BuildKit of one's own: buildkitd with runc, in a temporary
// folder, with the network of this machine.
type BuildKit struct {
	// Ctl is the buildctl program, and Addr what its --addr takes.
	Ctl, Addr string

	dir    string
	daemon *exec.Cmd
	said   bytes.Buffer
}

// NewBuildKit starts a BuildKit whose mirror of every registry is the one at address,
// and stops it when the test ends.
func NewBuildKit(t *testing.T, address string) *BuildKit {
	t.Helper()
	Root(t)
	Program(t, "runc", "runc")
	b, err := StartBuildKit(context.WithoutCancel(t.Context()), address)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.Stop())
		if t.Failed() {
			text := b.said.String()
			t.Logf("output of buildkitd:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return b
}

// StartBuildKit is NewBuildKit outside of tests. It needs root and runc, and compiles
// the programs where they are not kept yet.
func StartBuildKit(ctx context.Context, address string) (*BuildKit, error) {
	programs, err := keptBuildKit(ctx)
	if err != nil {
		return nil, err
	}
	// Socket paths are short on Linux, temporary folders of tests are not.
	dir, err := os.MkdirTemp("", "slipway-buildkit-")
	if err != nil {
		return nil, err
	}
	b := &BuildKit{Ctl: filepath.Join(programs, "buildctl"), Addr: "unix://" + filepath.Join(dir, "socket"), dir: dir}
	if err := b.start(ctx, filepath.Join(programs, "buildkitd"), address); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

func (b *BuildKit) start(ctx context.Context, program, address string) error {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return fmt.Errorf("starting buildkitd: %w: apt-get install runc", err)
	}
	config := filepath.Join(b.dir, "buildkitd.toml")
	text := fmt.Sprintf(`[registry."docker.io"]
mirrors = [%[1]q]
[registry."gcr.io"]
mirrors = [%[1]q]
[registry.%[1]q]
http = true
`, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	b.daemon = exec.Command(program, "--config", config, "--root", filepath.Join(b.dir, "root"), "--addr", b.Addr, //nolint:gosec // our own program
		"--oci-worker-net", "host", "--oci-worker-binary", runc, "--containerd-worker=false", "--cdi-disabled",
		"--otel-socket-path", filepath.Join(b.dir, "otel"))
	b.daemon.Stdout, b.daemon.Stderr, b.daemon.Env = &b.said, &b.said, Environ()
	if err := launch(b.daemon); err != nil {
		return fmt.Errorf("starting buildkitd: %w", err)
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if exec.CommandContext(ctx, b.Ctl, "--addr", b.Addr, "debug", "workers").Run() == nil {
			return nil
		}
	}
	return fmt.Errorf("buildkitd does not answer: %s", b.said.String())
}

// Stop stops the daemon and removes all that it kept.
func (b *BuildKit) Stop() error {
	if b.daemon != nil && b.daemon.Process != nil {
		stop(b.daemon)
	}
	return removeMounted(b.dir)
}

// Args are the arguments of buildctl that build the Dockerfile of a folder. An output
// is one of buildctl's, and options are the frontend's.
func (b *BuildKit) Args(dir, platforms, output string, options ...string) []string {
	args := []string{
		"--addr", b.Addr, "build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + dir, "--local", "dockerfile=" + dir,
		"--output", output, "--opt", "platform=" + platforms,
	}
	for _, o := range options {
		args = append(args, "--opt", o)
	}
	return args
}

// keptBuildKit returns the folder of buildkitd and buildctl. They are compiled once
// per machine and version, from the tool module tools/buildkit.
func keptBuildKit(ctx context.Context) (string, error) {
	const pkg = "github.com/moby/buildkit"
	module, err := toolModule(ctx, "buildkit")
	if err != nil {
		return "", err
	}
	version, err := goOutput(ctx, module, "list", "-m", "-f", "{{.Version}}", pkg)
	if err != nil {
		return "", err
	}
	return kept("buildkit-"+version, func(half string) error {
		_, err := goOutput(ctx, module, "build", "-o", half+string(filepath.Separator), pkg+"/cmd/buildctl", pkg+"/cmd/buildkitd")
		return err
	})
}

// toolModule is the folder of a tool module of this repository.
func toolModule(ctx context.Context, name string) (string, error) {
	mod, err := goOutput(ctx, "", "env", "GOMOD")
	return filepath.Join(filepath.Dir(mod), "tools", name), err
}

func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(Environ(), process.Compiling(os.Getenv)...), &stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running go %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(text)), nil
}
