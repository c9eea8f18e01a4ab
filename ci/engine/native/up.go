package native

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"example.com/slipway/ci/step"
)

// Up starts an engine, or finds that it runs with these settings already. Where it
// runs with others, it is stopped and started again.
func (h *Host) Up(ctx context.Context, s Settings) (Engine, error) {
	p, err := s.prepare()
	if err != nil {
		return Engine{}, err
	}
	if err := able(); err != nil {
		return Engine{}, err
	}
	hash, err := p.hash(h.parts())
	if err != nil {
		return Engine{}, err
	}
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

// Able says why an engine could not be started here, as far as that can be told before
// anything takes time.
func (h *Host) Able() error {
	if err := able(); err != nil {
		return err
	}
	return h.needs()
}

// needs looks for the programs that are called.
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
	return lock(ctx, h.lockFile(name))
}

func (h *Host) lockFile(name string) string { return filepath.Join(h.run, name+".lock") }
