package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// patience is how long an engine may take to write down its caches. An engine that
// is killed loses them.
const patience = 5 * time.Minute

// Down stops an engine and removes what it left on the machine. Its caches stay,
// unless prune is set. An engine that does not run is no error.
func (h *Host) Down(ctx context.Context, name string, prune bool) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := able(); err != nil {
		return err
	}
	unlock, err := h.lockEngine(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	e, known := h.load(name)
	if !known {
		h.report.Note(fmt.Sprintf("the engine %s does not run", name))
	}
	if err := h.end(ctx, name, e, known); err != nil {
		return err
	}
	if err := os.Remove(h.lockFile(name)); err != nil {
		return fmt.Errorf("removing the engine's lock: %w", err)
	}
	if !prune {
		return nil
	}
	return step.Run(h.report, "engine prune", func(step.Step) (string, error) {
		return "", os.RemoveAll(h.folders(name).kept)
	})
}

// end stops an engine if it runs and removes what is left of it: the container, its
// control group, its bridge and its rules. The engine's own file systems and
// processes end with its namespaces.
func (h *Host) end(ctx context.Context, name string, e Engine, known bool) error {
	f := h.folders(name)
	if known && e.alive() {
		if err := step.Run(h.report, "engine stop", func(step.Step) (string, error) { return "", stop(ctx, e) }); err != nil {
			return err
		}
	}
	if known {
		if err := h.sweep(ctx, f, e); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(f.root()), os.RemoveAll(f.run))
}

// stop asks the engine to end and waits for it.
func stop(ctx context.Context, e Engine) error {
	if err := terminate(e.PID); err != nil && e.alive() {
		return fmt.Errorf("stopping the engine %s: %w", e.Name, err)
	}
	deadline := time.Now().Add(patience)
	for e.alive() {
		if time.Now().After(deadline) {
			// The container is removed next, which kills what is in it.
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// sweep removes the container and what the engine set up in the machine's network.
func (h *Host) sweep(ctx context.Context, f folders, e Engine) error {
	if _, err := os.Stat(f.runtime()); err == nil {
		runc, err := h.program("runc")
		if err != nil {
			return err
		}
		cmd := command(ctx, []string{"PATH=" + h.getenv("PATH")}, runc, "--root", f.runtime(), "delete", "--force", container(e.Name))
		if _, said, err := output(cmd); err != nil {
			return failed(ctx, "removing the engine's container", err, said, "try again")
		}
	}
	removeGroups()
	if err := removeLink(e.Network.Bridge()); err != nil {
		return err
	}
	return h.removeRules(ctx, e.Tree, e.Network)
}

// removeGroups removes the control groups above those of containers that are gone.
func removeGroups() {
	for _, pattern := range []string{"/sys/fs/cgroup/slipway", "/sys/fs/cgroup/*/slipway"} {
		// The patterns are right, and a group is not empty while a container runs in it.
		groups, _ := filepath.Glob(pattern)
		for _, group := range groups {
			_ = os.Remove(group)
		}
	}
}

// Logs copies an engine's log to w; with follow also what is added, until ctx ends.
func (h *Host) Logs(ctx context.Context, name string, follow bool, w io.Writer) error {
	if err := checkName(name); err != nil {
		return err
	}
	log, err := os.Open(h.folders(name).log())
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Engine, "the engine %s was never started", name).WithFix("start it with slipway engine up%s", nameFlag(name))
	}
	if err != nil {
		return fmt.Errorf("reading the engine's log: %w", err)
	}
	defer log.Close()
	for {
		if _, err := io.Copy(w, log); err != nil {
			return fmt.Errorf("reading the engine's log: %w", err)
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
