package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/fault"
)

// start starts an engine that does not run and waits until it answers. Where that
// fails, nothing of it is left.
func (h *Host) start(ctx context.Context, built parts, p *prepared, hash string) (Engine, error) {
	f := h.folders(p.Name)
	e := Engine{
		Name: p.Name, Version: Version, Address: "unix://" + f.socket(), Since: time.Now().UTC().Truncate(time.Second),
		State: f.state(), Tools: built.tools, Tree: built.tree, Settings: hash,
	}
	err := free(p.listen)
	if err == nil {
		err = h.reserve(ctx, &e)
	}
	if err == nil {
		err = h.furnishEngine(ctx, built, p, f, &e)
	}
	if err == nil {
		err = h.launch(ctx, f, &e)
	}
	if err == nil {
		err = h.await(ctx, e)
	}
	if err == nil && len(p.listen) > 0 && !p.Insecure {
		err = h.open(ctx, f, e, p)
	}
	if err != nil {
		late := context.WithoutCancel(ctx)
		return Engine{}, errors.Join(err, h.end(late, p.Name, e, true))
	}
	return e, nil
}

// free tells whether the engine can listen on these addresses.
func free(addresses []*url.URL) error {
	for _, u := range addresses {
		l, err := net.Listen("tcp", u.Host)
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			return fault.New(fault.Engine, "the engine cannot listen on %s: %v", u, err).
				WithFix("choose an address of this machine that nobody listens on").WithCause(err)
		}
	}
	return nil
}

// reserve writes the record with a network that no other engine has.
func (h *Host) reserve(ctx context.Context, e *Engine) error {
	unlock, err := lock(ctx, filepath.Join(h.run, "networks.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	taken, err := h.takenPrefixes(e.Name)
	if err != nil {
		return err
	}
	if e.Network, err = newNetwork(e.Name, taken); err != nil {
		return err
	}
	return h.save(*e)
}

// furnishEngine makes the engine's root file system and describes its container.
func (h *Host) furnishEngine(ctx context.Context, built parts, p *prepared, f folders, e *Engine) error {
	for dir, mode := range map[string]os.FileMode{f.state(): 0o700, f.certs(): 0o700, f.root(): 0o755, f.bundle(): 0o700, filepath.Dir(f.socket()): 0o700} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return fmt.Errorf("making the engine's folders: %w", err)
		}
	}
	shared, err := h.layOut(ctx, built.tree, f.root())
	if err != nil {
		return err
	}
	configuration, err := p.configuration()
	if err != nil {
		return err
	}
	if err := errors.Join(
		trust(f.root(), p.certificates), resolve(f.root()),
		cache.Write(filepath.Join(f.root(), "etc/dagger/engine.json"), configuration)); err != nil {
		return err
	}
	b := bundle{engine: *e, folders: f, parts: built, shared: shared}
	if p.Insecure {
		b.listen = p.Listen
	} else if len(p.Listen) > 0 {
		if err := issue(f.certs(), p.hosts(), time.Now()); err != nil {
			return fmt.Errorf("making the engine's certificates: %w", err)
		}
	}
	e.Remote = p.remote(f.certs())
	if b.capabilities, err = bounding(); err != nil {
		return err
	}
	if b.env, err = h.engineEnviron(ctx, built); err != nil {
		return err
	}
	text, err := marshal(b.spec())
	if err != nil {
		return err
	}
	return cache.Write(filepath.Join(f.bundle(), "config.json"), text)
}

// engineEnviron is the environment of the engine's process. What begins with
// _DAGGER_ENGINE_SYSTEMENV_ it hands on to the containers of its Go SDK.
func (h *Host) engineEnviron(ctx context.Context, built parts) ([]string, error) {
	settings, err := h.goSettings(ctx, "GOPROXY")
	if err != nil {
		return nil, err
	}
	digest, err := sdkDigest(built.content)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]string{
		// The engine links iptables in /usr/bin to the variant that the kernel has.
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root",
		"DAGGER_GO_SDK_MANIFEST_DIGEST=" + digest,
		"_DAGGER_ENGINE_SYSTEMENV_GOPROXY=file://" + sdkProxy + "," + settings[0],
	}, h.proxies()), nil
}

// launch lets runc start the engine, with its log as its output.
func (h *Host) launch(ctx context.Context, f folders, e *Engine) error {
	runc, err := h.program("runc")
	if err != nil {
		return err
	}
	log, err := os.Create(f.log())
	if err != nil {
		return fmt.Errorf("opening the engine's log: %w", err)
	}
	defer log.Close()
	pidFile := filepath.Join(f.run, "pid")
	// The environment of runc is the engine's business nowhere.
	cmd := command(ctx, []string{"PATH=" + h.getenv("PATH")}, runc, "--root", f.runtime(), "run", "--detach", "--bundle", f.bundle(), "--pid-file", pidFile, container(e.Name))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return failed(ctx, "starting the engine with runc", err, tail(f.log()), "runc's lines say what it lacks")
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return fmt.Errorf("reading the engine's process number: %w", err)
	}
	if e.PID, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("reading the engine's process number: %w", err)
	}
	e.Began, _ = beganAt(e.PID)
	return h.save(*e)
}

// open starts the gate in the engine's container, where it ends with the engine, and
// waits until it lets a client in.
func (h *Host) open(ctx context.Context, f folders, e Engine, p *prepared) error {
	runc, err := h.program("runc")
	if err != nil {
		return err
	}
	log, err := os.OpenFile(f.log(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("opening the engine's log: %w", err)
	}
	defer log.Close()
	args := []string{"--root", f.runtime(), "exec", "--detach", container(e.Name), "/usr/local/bin/gate", insideAPI + "/" + filepath.Base(f.socket()), insideCerts}
	for _, u := range p.listen {
		args = append(args, u.Host)
	}
	cmd := command(ctx, []string{"PATH=" + h.getenv("PATH")}, runc, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return failed(ctx, "starting the engine's gate with runc", err, tail(f.log()), "runc's lines say what it lacks")
	}
	for _, u := range p.listen {
		if err := knock(ctx, f.certs(), u); err != nil {
			return failed(ctx, "reaching the engine at "+u.String(), err, tail(f.log()), "check that the address is one of this machine and free")
		}
	}
	return nil
}

// container is the engine's name for runc.
func container(name string) string { return "slipway-" + name }

// limit is how long an engine may take until it answers. With a large state folder
// and a slow disk it is minutes.
const limit = 5 * time.Minute

// await returns when a client got an answer.
func (h *Host) await(ctx context.Context, e Engine) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fault.New(fault.Engine, "the engine did not answer within %s", limit).
		WithDetail(tail(h.folders(e.Name).log())...).WithFix("its log may say why"))
	defer cancel()
	for {
		if !e.alive() {
			return fault.New(fault.Engine, "the engine ended while it started").
				WithDetail(tail(h.folders(e.Name).log())...).WithFix("its last lines say why")
		}
		if e.listens() {
			env := slices.Concat(h.env, e.Environ())
			cmd := command(ctx, env, filepath.Join(e.CLI(), "dagger"), "core", "version")
			// A client looks for a module in its folder.
			cmd.Dir = "/"
			out, said, err := output(cmd)
			switch {
			case err == nil && strings.TrimSpace(string(out)) == e.Version:
				return nil
			case err == nil:
				return fault.New(fault.Engine, "the engine says that it is %q and not %s", strings.TrimSpace(string(out)), e.Version).WithFix("report this")
			case ctx.Err() == nil && e.alive():
				return failed(ctx, "asking the engine for its version", err, said, "its log may say why")
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
