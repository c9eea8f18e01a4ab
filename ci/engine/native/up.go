package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// Up starts an engine, or finds that it runs with these settings already. Where it
// runs with others, it is stopped and started again.
func (h *Host) Up(ctx context.Context, s Settings) (Engine, error) {
	if err := able(); err != nil {
		return Engine{}, err
	}
	p, err := s.prepare()
	if err != nil {
		return Engine{}, err
	}
	hash := p.hash(h.parts())
	if e, ok := h.Find(p.Name); ok && e.Settings == hash {
		h.report.Note(fmt.Sprintf("the engine %s runs already, with these settings", p.Name))
		return e, nil
	}
	if err := h.needs(); err != nil {
		return Engine{}, err
	}
	unlock, err := h.lockEngine(ctx, p.Name)
	if err != nil {
		return Engine{}, err
	}
	defer unlock()
	built, err := h.build(ctx)
	if err != nil {
		return Engine{}, err
	}
	// Another command may have started it in the meantime.
	e, known := h.load(p.Name)
	if known && e.alive() && e.listens() && e.Settings == hash {
		return e, nil
	}
	if known && e.alive() {
		h.report.Note(fmt.Sprintf("the engine %s runs with other settings and is started again", p.Name))
	}
	if err := h.end(ctx, p.Name, e, known); err != nil {
		return Engine{}, err
	}
	err = step.Run(h.report, "engine start", func(step.Step) (string, error) {
		e, err = h.start(ctx, built, p, hash)
		return e.Address, err
	})
	return e, err
}

// needs looks for all programs before anything takes time.
func (h *Host) needs() error {
	wanted := []string{"runc", "go"}
	if _, err := os.Stat(h.parts().tree); err != nil {
		wanted = append(wanted, "mmdebstrap")
	}
	for _, name := range wanted {
		if _, err := h.program(name); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) lockEngine(ctx context.Context, name string) (func(), error) {
	// Only root may reach the sockets of engines, which are root on this machine.
	if err := os.MkdirAll(h.run, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for engines: %w", err)
	}
	return lock(ctx, filepath.Join(h.run, name+".lock"))
}

// start starts an engine that does not run and waits until it answers. Where that
// fails, nothing of it is left.
func (h *Host) start(ctx context.Context, built parts, p *prepared, hash string) (Engine, error) {
	f := h.folders(p.Name)
	e := Engine{
		Name: p.Name, Version: Version, Address: "unix://" + f.socket(), Since: time.Now().UTC().Truncate(time.Second),
		State: f.state(), Tools: built.tools, Tree: built.tree, Settings: hash,
	}
	err := h.reserve(ctx, &e)
	if err == nil {
		err = h.furnishEngine(ctx, built, p, f, &e)
	}
	if err == nil {
		err = h.launch(ctx, f, &e)
	}
	if err == nil {
		err = h.await(ctx, e)
	}
	if err != nil {
		late := context.WithoutCancel(ctx)
		return Engine{}, errors.Join(err, h.end(late, p.Name, e, true))
	}
	return e, nil
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
	if err := h.copyTree(ctx, built.tree, f.root()); err != nil {
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
	b := bundle{engine: *e, folders: f, parts: built, listen: p.Listen, secure: len(p.Listen) > 0 && !p.Insecure}
	if b.secure {
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
	text, err := b.spec()
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
