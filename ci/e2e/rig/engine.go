package rig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Engines are the Dagger engines of a test binary. The zero value is ready; Stop ends
// them.
type Engines struct {
	mu      sync.Mutex
	keepers map[string]*keeper
}

// Engine is a Dagger engine that runs.
type Engine struct {
	// Name is what slipway engine calls it.
	Name string
	// Env is a whole environment in which dagger, its SDKs and slipway find it.
	Env []string
	// Dagger is the dagger command of its release.
	Dagger string
	// Address is that of its socket.
	Address string
	// Gateway is this machine's address in the network of the engine's containers.
	Gateway string
	// SSH is its address for clients over ssh, with HOST for the host, and Programs the
	// folder that has to be on PATH there.
	SSH, Programs string
}

// EngineOptions say which engine is wanted. The zero value is the one that all tests
// share, on this machine and from run to run.
type EngineOptions struct {
	// Name makes another engine, with caches of its own that are removed in the end.
	Name string
	// Lasting is one that other tests of this binary go on with: in the end is when all
	// have ended.
	Lasting bool
	// Kept is a lasting one whose caches are there in the next run, as those of the shared
	// one are. Another test binary that wants it waits until this one has ended.
	Kept bool
	// Args are further flags of slipway engine up, of such an engine.
	Args []string
	// Network is where such an engine runs, if not in this machine's own.
	Network *Network
}

// sharedEngine is the engine that tests share.
const sharedEngine = "e2e"

// Start starts an engine with the slipway program, where it does not run yet.
func (e *Engines) Start(t *testing.T, slipway string, o EngineOptions) *Engine {
	t.Helper()
	Root(t)
	Program(t, "runc", "runc")
	Program(t, "mmdebstrap", "mmdebstrap")
	name := sharedEngine
	if o.Name != "" {
		name = fmt.Sprintf("e2e-%s-%d", o.Name, os.Getpid())
	}
	if o.Kept {
		name = "e2e-" + o.Name
	}
	e.keep(t, slipway, name, o)
	up(t, o.Network, slipway, append([]string{"engine", "up", "--name", name}, o.Args...)...)
	return newEngine(t, slipway, name)
}

// up runs slipway engine up, which takes minutes where nothing is built yet.
func up(t *testing.T, n *Network, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 40*time.Minute)
	defer cancel()
	name, args = within(n, name, args)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = engineEnviron(t)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// within puts a program into a network, if there is one.
func within(n *Network, name string, args []string) (string, []string) {
	if n == nil {
		return name, args
	}
	return n.Args(name, args...)
}

// engineEnviron is the environment of slipway, with the cache folder that tests share:
// building an engine takes minutes.
func engineEnviron(t *testing.T) []string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	return append(Environ(), "SLIPWAY_CACHE="+filepath.Join(cache, "slipway-e2e"))
}

// newEngine asks for the variables as a user does.
func newEngine(t *testing.T, slipway, name string) *Engine {
	t.Helper()
	env := engineEnviron(t)
	// The script is constant; what varies reaches it as arguments.
	out := Must(t, "", env, "sh", "-c", `variables=$("$0" engine env --name "$1") && eval "$variables" && env -0`, slipway, name)
	engine := &Engine{Name: name, Env: slices.Clip(strings.Split(strings.Trim(out, "\x00"), "\x00"))}
	for _, kv := range engine.Env {
		if file, ok := strings.CutPrefix(kv, "_EXPERIMENTAL_DAGGER_CLI_BIN="); ok {
			engine.Dagger = file
		}
	}
	for line := range strings.Lines(Must(t, "", env, slipway, "engine", "status", "--name", name)) {
		word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch value = strings.TrimSpace(value); word {
		case "address":
			engine.Address = value
		case "network":
			engine.Gateway = value[strings.LastIndexByte(value, ' ')+1:]
		case "ssh":
			engine.SSH, engine.Programs, _ = strings.Cut(strings.TrimSuffix(value, " on PATH there"), ", with ")
		}
	}
	require.NotEmpty(t, engine.Address)
	require.NotEmpty(t, engine.Gateway)
	require.NotEmpty(t, engine.Dagger)
	require.NotEmpty(t, engine.Programs)
	return engine
}

// keeper stops an engine when nobody uses it any more. It is a process that outlives
// this one, however this one ends.
type keeper struct {
	cmd   *exec.Cmd
	input io.Closer
}

// keeping waits for the end of its input and runs its arguments, unless another test
// binary holds the lock, which then is the one to do so. It is told all of that: the
// script is constant. OWN is the lock of an engine that no other test binary uses. The
// caches in STATE are removed where they have become larger than LIMIT kilobytes.
const keeping = `exec 9>"$USERS" && flock "$HOLD" 9 && echo ready || exit 1
cat >/dev/null
[ -n "$STATE" ] && [ "$(du -sk "$STATE" | cut -f1)" -gt "$LIMIT" ] && set -- "$@" --prune
flock --exclusive --nonblock 9 && "$0" "$@"
rm -f "$0" ${OWN:+"$OWN"}`

// keptLimit is how much an engine keeps from run to run, in kilobytes.
const keptLimit = 12 << 20

// keep starts the keeper of an engine.
func (e *Engines) keep(t *testing.T, slipway, name string, o EngineOptions) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.keepers[name] != nil {
		return
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	users := filepath.Join(cache, "slipway-e2e", name+".users")
	// A copy: the program's own folder goes with the test binary.
	program := fmt.Sprintf("%s.%d", users, os.Getpid())
	text, err := os.ReadFile(slipway)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(users), 0o755))
	require.NoError(t, os.WriteFile(program, text, 0o755))
	args := []string{"-c", keeping, program, "engine", "down", "--name", name}
	if o.Name != "" && !o.Kept {
		args = append(args, "--prune")
	}
	shell, args := within(o.Network, "sh", args)
	k := &keeper{cmd: exec.Command(shell, args...)}
	k.cmd.Env = append(engineEnviron(t), "USERS="+users, "HOLD=--shared", "OWN=", "STATE=")
	switch {
	case o.Kept:
		state := filepath.Join(cache, "slipway-e2e", "engine", "engines", name)
		k.cmd.Env = append(k.cmd.Env, "HOLD=--exclusive", "STATE="+state, fmt.Sprint("LIMIT=", keptLimit))
	case o.Name != "":
		k.cmd.Env = append(k.cmd.Env, "OWN="+users)
	}
	// A Ctrl-C is for the tests; the keeper hears of it when they have ended.
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	k.input, err = k.cmd.StdinPipe()
	require.NoError(t, err)
	ready, err := k.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, k.cmd.Start())
	line, err := bufio.NewReader(ready).ReadString('\n')
	require.NoError(t, err, "the keeper of the engine says %q", line)
	if e.keepers == nil {
		e.keepers = map[string]*keeper{}
	}
	e.keepers[name] = k
	if o.Name != "" && !o.Lasting && !o.Kept {
		t.Cleanup(func() { e.stop(name) })
	}
}

// stop ends a keeper and waits for what it does.
func (e *Engines) stop(name string) {
	e.mu.Lock()
	k := e.keepers[name]
	delete(e.keepers, name)
	e.mu.Unlock()
	_ = k.input.Close()
	_ = k.cmd.Wait()
}

// Stop stops the engines that tests share. It is called when all tests have ended.
func (e *Engines) Stop() {
	for _, name := range slices.Collect(maps.Keys(e.keepers)) {
		e.stop(name)
	}
}
