package dagger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"time"

	sdk "dagger.io/dagger"
	"dagger.io/dagger/engineconn"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

// Where is the engine to use, and how it is reached.
type Where struct {
	// Host is its address as the dagger command takes it: unix://, tcp://, tls://,
	// ssh://, kube-pod:// or image://. Empty lets a container runtime start one.
	Host string
	// CLI is the dagger command. Empty finds or fetches one.
	CLI string
	// Why is how it came to be chosen, in words.
	Why string
}

const (
	// dialWait bounds how long the address of an engine may take to answer at all.
	dialWait = 5 * time.Second
	// sessionWait bounds the opening of a session with an engine that runs, and
	// startWait with one that may have to be fetched and started first.
	sessionWait = time.Minute
	startWait   = 10 * time.Minute
)

// Release is that of the SDK, of the dagger command that goes with it, and of the engine.
const Release = "v" + engineconn.CLIVersion

const (
	another = "or build without it: --engine local"
	forms   = "write unix:///run/engine.sock, tcp://host:port, tls://host:port, ssh://host, kube-pod://name or image://name"
)

// builderContainer connects, once, and returns a container of the builder image with
// the caches and settings of every go command.
func (e *Engine) builderContainer(ctx context.Context) (*sdk.Container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.base != nil {
		return e.base, nil
	}
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	base := e.withCaches("slipway-go")
	if _, err := base.Sync(ctx); err != nil {
		return nil, e.noBuilder(ctx, err)
	}
	if e.carried != "" {
		if err := e.bring(ctx, base); err != nil {
			return nil, err
		}
	}
	e.base = e.withSettings(e.client, base)
	return e.base, nil
}

// image is a container of the builder image, by digest alone: a tag would be looked up again.
func (e *Engine) image() *sdk.Container {
	image := e.builder.Image
	return e.client.Container().From(image.Name + "@" + image.Digest).WithUser("0:0")
}

// withCaches is a container of the builder image with the caches of that name.
func (e *Engine) withCaches(name string) *sdk.Container {
	shared := sdk.ContainerWithMountedCacheOpts{Sharing: sdk.CacheSharingModeShared}
	return e.image().
		WithMountedCache(modules, e.client.CacheVolume(name+"-mod"), shared).
		WithMountedCache(objects, e.client.CacheVolume(name+"-build"+e.objects), shared)
}

func (e *Engine) connect(ctx context.Context) error {
	if e.client != nil {
		return nil
	}
	opened, err := e.open(ctx)
	if err != nil {
		return err
	}
	client, err := sdk.Connect(ctx, sdk.WithConn(opened))
	if err != nil {
		_ = opened.Close()
		return fmt.Errorf("using the session with the Dagger engine: %w", err)
	}
	e.session, e.client = opened, client
	// It is for the record only.
	e.version, _ = client.Version(ctx)
	return nil
}

// open joins the session that Slipway runs in, unless another engine was named, or
// opens one.
func (e *Engine) open(ctx context.Context) (*session, error) {
	if port := e.user["DAGGER_SESSION_PORT"]; port != "" && e.where.Host == "" {
		return join(port, e.user["DAGGER_SESSION_TOKEN"])
	}
	if err := e.reachable(ctx); err != nil {
		return nil, err
	}
	cli, err := e.command(ctx)
	if err != nil {
		return nil, err
	}
	limit := sessionWait
	if scheme, _, _ := strings.Cut(e.where.Host, ":"); e.where.Host == "" || schemes[scheme].starts {
		limit = startWait
	}
	opened, err := start(ctx, cli, e.surroundings(), limit)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, unopened(e.where, err)
	}
	return opened, nil
}

// surroundings are the environment of the dagger command.
func (e *Engine) surroundings() []string {
	env := []string{"DO_NOT_TRACK=1", "DAGGER_NO_NAG=1"}
	for name, value := range e.user {
		env = append(env, name+"="+value)
	}
	if e.where.Host != "" {
		env = append(env, "_EXPERIMENTAL_DAGGER_RUNNER_HOST="+e.where.Host)
	}
	return env
}

// unopened says why there is no session.
func unopened(w Where, err error) error {
	what := fault.New(fault.Engine, "connecting to the Dagger engine %s: %v", w.name(), err).WithCause(err)
	said := err.Error()
	switch {
	case strings.Contains(said, "incompatible"):
		return what.WithFix("Slipway needs an engine of %s or a compatible one; update the engine and the dagger command, %s", Release, another)
	case w.Host == "" || strings.HasPrefix(w.Host, "image"):
		return what.WithFix("start docker or podman, name an engine with --engine-host, start one with slipway engine up, %s", another)
	}
	return what.WithFix("look at the engine and its log, %s", another)
}

func (w Where) name() string {
	if w.Host == "" {
		return "that a container runtime starts"
	}
	return "at " + redactHost(w.Host)
}

// redactHost leaves the query of an address out: it names key files.
func redactHost(host string) string {
	address, _, _ := strings.Cut(host, "?")
	return address
}

// schemes are those of addresses that the dagger command takes, with the program that
// it needs for one, and whether it may have to start the engine first.
var schemes = map[string]struct {
	program string
	starts  bool
}{
	"unix": {}, "tcp": {}, "tls": {}, "ssh": {program: "ssh"}, "kube-pod": {program: "kubectl"},
	"image": {starts: true}, "image+docker": {starts: true}, "image+podman": {starts: true}, "image+nerdctl": {starts: true}, "image+finch": {starts: true},
	"container": {}, "docker-image": {starts: true}, "docker-container": {}, "podman-container": {},
}

// reachable tries the address of an engine: the dagger command goes on trying for a
// minute what is refused at once.
func (e *Engine) reachable(ctx context.Context) error {
	if e.where.Host == "" {
		return nil
	}
	u, err := url.Parse(e.where.Host)
	if err != nil {
		return fault.New(fault.Usage, "the engine's address %q is not one", redactHost(e.where.Host)).WithFix("%s", forms).WithCause(err)
	}
	scheme, known := schemes[u.Scheme]
	if !known {
		return fault.New(fault.Usage, "the engine's address %q has no scheme that the dagger command knows", redactHost(e.where.Host)).WithFix("%s", forms)
	}
	if scheme.program != "" {
		program, found := process.Find(scheme.program, e.user["PATH"])
		if !found {
			return fault.New(fault.Engine, "the Dagger engine at %s is reached with %s, which is not on PATH", redactHost(e.where.Host), scheme.program).
				WithFix("install %s, %s", scheme.program, another)
		}
		return e.joins(ctx, program, joining(u))
	}
	if u.Scheme != "unix" && u.Scheme != "tcp" && u.Scheme != "tls" {
		return nil
	}
	network, address := "tcp", u.Host
	if u.Scheme == "unix" {
		network, address = "unix", u.Host+u.Path
	}
	dialer := net.Dialer{Timeout: dialWait}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fault.New(fault.Engine, "the Dagger engine at %s does not answer (%v)", redactHost(e.where.Host), reason(err)).
			WithFix("start it (slipway engine up), correct --engine-host, %s", another).WithCause(err)
	}
	return conn.Close()
}

// reason is the last part of a network error, without the addresses before it.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// command is the dagger command: the one that was named, the one on PATH, else the
// SDK's own, which is downloaded once and checked.
func (e *Engine) command(ctx context.Context) (string, error) {
	for _, named := range []string{e.where.CLI, e.user["_EXPERIMENTAL_DAGGER_CLI_BIN"]} {
		if named == "" {
			continue
		}
		found, err := exec.LookPath(named)
		if err != nil {
			return "", fault.New(fault.Engine, "the dagger command %s cannot be run", named).WithFix("correct _EXPERIMENTAL_DAGGER_CLI_BIN, %s", another).WithCause(err)
		}
		return found, nil
	}
	if found, ok := OnPath(e.user["PATH"]); ok {
		return found, nil
	}
	found, err := engineconn.CLIDownloader{Ref: engineconn.CLIVersion, Release: true}.Download(ctx)
	if err != nil {
		return "", fault.New(fault.Engine, "the dagger command is not on PATH and could not be fetched: %v", err).
			WithFix("install dagger v%s, %s", engineconn.CLIVersion, another).WithCause(err)
	}
	return found, nil
}

// StartedBy is the address of an engine that a container runtime starts where it does
// not run yet.
func StartedBy(runtime string) string {
	return "image+" + runtime + "://registry.dagger.io/engine:" + Release
}

// OnPath finds the dagger command in the folders of a PATH variable.
func OnPath(list string) (string, bool) { return process.Find("dagger", list) }
