package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/process"
)

// nobody is the user and the group of tests that root starts: the one that the image
// runs as too.
const nobody = 65532

// sandbox is where go vet and go test run.
type sandbox struct {
	e *Engine
	// dir is a folder of its own, with the homes and the temporary files of tests. turn
	// counts the commands that get theirs.
	dir   string
	turn  int
	probe string
	cache string
	// copied is the copy of the source tree that the command sees in its place, or "".
	copied string
	// user is who runs the tests, or -1 for whoever runs Slipway. Any user here has no
	// capabilities. apart says that they see the folders of view alone.
	user  int
	apart bool
	// What could not be had of it on this machine, and why.
	noMounts, noUser, noRoot string
}

// newSandbox makes the folders of a sandbox, for root with everything that this system
// can do to keep tests apart.
func (e *Engine) newSandbox() (*sandbox, error) {
	dir, err := os.MkdirTemp("", "slipway-test-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the tests: %w", err)
	}
	b := &sandbox{e: e, dir: dir, probe: filepath.Join(dir, "probe.go"), user: -1}
	if canConfine() {
		b.user, b.apart = nobody, true
	}
	if b.dir, err = filepath.EvalSymlinks(dir); err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(b.probe, []byte(gocmd.Probe), 0o644))
	}
	if err == nil {
		err = b.renew()
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("making the folders of the tests: %w", err)
	}
	return b, nil
}

func (b *sandbox) close() { os.RemoveAll(b.dir) }

func (b *sandbox) home() string { return filepath.Join(b.dir, fmt.Sprint("home", b.turn)) }
func (b *sandbox) temp() string { return filepath.Join(b.dir, fmt.Sprint("tmp", b.turn)) }

// renew gives the next command a home and a folder for temporary files that nobody has
// used, as a container would: a test that runs again begins as it did the first time.
func (b *sandbox) renew() error {
	b.turn++
	if err := errors.Join(os.Mkdir(b.home(), 0o700), os.Mkdir(b.temp(), 0o700)); err != nil {
		return err
	}
	return b.own()
}

// own gives the user of the tests their folders. The cache is one for each user, and
// never a build's.
func (b *sandbox) own() error {
	name := "go-test"
	if b.user >= 0 {
		name = fmt.Sprintf("go-test-%d", b.user)
	}
	b.cache = filepath.Join(b.e.cache, name)
	if b.user > 0 && !b.apart && !open(b.e.cache) {
		b.cache = filepath.Join(b.dir, "go-build")
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil || b.user < 0 {
		return err
	}
	var err error
	for _, dir := range []string{b.home(), b.temp(), b.cache} {
		err = errors.Join(err, os.Lchown(dir, b.user, b.user))
	}
	return err
}

// open tells whether everybody on this machine can reach what is in a folder.
func open(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		above := filepath.Dir(dir)
		if above == dir {
			return true
		}
		dir = above
	}
}

// settle lets go list read what tests need, and takes back what of the sandbox cannot
// be had on this machine, until it can.
func (b *sandbox) settle(ctx context.Context, list []string) error {
	for b.user >= 0 {
		said, err := b.run(ctx, nil, list, io.Discard)
		if err != nil {
			return err
		}
		missing, ok := errors.AsType[*noMounts](said.Err)
		switch denied := denied(said); {
		case ok:
			b.apart, b.noMounts = false, missing.err.Error()
		case denied == "":
			return nil
		case b.user == nobody:
			b.user, b.noUser = 0, denied
		default:
			b.user, b.apart, b.noRoot = -1, false, denied
		}
		if err := b.own(); err != nil {
			return fmt.Errorf("making the folders of the tests: %w", err)
		}
	}
	return nil
}

// exposed says what holds less than it should.
func (b *sandbox) exposed() string {
	mounts := ""
	if b.noMounts != "" {
		mounts = fmt.Sprintf(" without mounts of their own (%s)", b.noMounts)
	}
	switch {
	case b.noRoot != "":
		return fmt.Sprintf("tests ran as root, with what root can do (without that: %s)", b.noRoot)
	case b.noUser != "" && b.apart:
		return fmt.Sprintf("tests ran as root without its capabilities and could reach root's files outside the home (as user %d: %s)", nobody, b.noUser)
	case b.noUser != "":
		return fmt.Sprintf("tests ran as root without its capabilities,%s, and could reach root's files (as user %d: %s)", mounts, nobody, b.noUser)
	case mounts != "":
		return fmt.Sprintf("tests ran as user %d%s and could read what every user of this machine can", nobody, mounts)
	}
	return ""
}

// denied is the line that says that something could not be read or started, or "".
func denied(said gocmd.Output) string {
	if said.Err == nil {
		return ""
	}
	if _, ran := errors.AsType[*exec.ExitError](said.Err); !ran {
		return said.Err.Error()
	}
	for _, line := range gocmd.Lines(said.Stderr) {
		if strings.Contains(line, "permission denied") {
			return line
		}
	}
	return ""
}

// run runs the pinned release's go command in the source folder.
func (b *sandbox) run(ctx context.Context, env, args []string, stdout io.Writer) (gocmd.Output, error) {
	cmd := process.Command(ctx, filepath.Join(b.e.root, "bin", process.Exe("go")), args...)
	cmd.Dir = b.e.goCommand.Source.Root
	cmd.Env = append(b.environment(), env...)
	stderr := &gocmd.Bounded{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := b.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		return gocmd.Output{}, ctx.Err()
	}
	return gocmd.Output{Stderr: stderr.Bytes(), Err: err}, nil
}

// passed are the variables of a build that tests get too: how programs and the network
// are found, and where Go and the modules are.
var passed = []string{
	"PATH", "SYSTEMROOT", "GOROOT", "GOPATH", "GOMODCACHE", "GOWORK", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
}

// environment is all that tests see: nothing of the user's that is not in passed, and
// no proxy's address with a password.
func (b *sandbox) environment() []string {
	env := environ{}
	for name, value := range parseEnviron(b.e.base) {
		password := strings.HasSuffix(strings.ToLower(name), "_proxy") && strings.Contains(value, "@")
		if slices.Contains(passed, name) && !password {
			env[name] = value
		}
	}
	fixed := gocmd.Fixed()
	delete(fixed, "GOWORK")
	maps.Copy(env, fixed)
	maps.Copy(env, gocmd.Offline())
	maps.Copy(env, environ{"HOME": b.home(), "TMPDIR": b.temp(), "GOCACHE": b.cache})
	if runtime.GOOS == "windows" {
		maps.Copy(env, environ{"USERPROFILE": b.home(), "APPDATA": b.home(), "LOCALAPPDATA": b.home(), "TMP": b.temp(), "TEMP": b.temp()})
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// noMounts says that there is no mount namespace to be had.
type noMounts struct{ err error }

func (n *noMounts) Error() string { return "making a mount namespace: " + n.err.Error() }
func (n *noMounts) Unwrap() error { return n.err }
