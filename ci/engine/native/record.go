package native

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/fault"
)

// Find returns the engine of a name if it runs. It starts no program and does not
// wait: it looks at the engine's process and whether its socket takes a connection.
func (h *Host) Find(name string) (Engine, bool) {
	if checkName(name) != nil {
		return Engine{}, false
	}
	e, ok := h.load(name)
	return e, ok && e.alive() && e.listens()
}

// Status returns an engine that runs, or says what is known of it.
func (h *Host) Status(name string) (Engine, error) {
	if err := checkName(name); err != nil {
		return Engine{}, err
	}
	if err := able(); err != nil {
		return Engine{}, err
	}
	e, ok := h.load(name)
	switch {
	case !ok:
		return e, fault.New(fault.Engine, "the engine %s does not run", name).WithFix("start it with slipway engine up%s", nameFlag(name))
	case !e.alive():
		return e, fault.New(fault.Engine, "the engine %s ended without being stopped", name).
			WithFix("slipway engine logs%[1]s may say why, slipway engine up%[1]s starts it again", nameFlag(name))
	case !e.listens():
		return e, fault.New(fault.Engine, "the engine %s runs but takes no connection at %s", name, e.Address).
			WithFix("if it is not just starting or stopping, slipway engine down%s ends it", nameFlag(name))
	}
	return e, nil
}

// nameFlag is what a command for this engine needs.
func nameFlag(name string) string {
	if name == DefaultName {
		return ""
	}
	return " --name " + name
}

// Names are those of the engines that were started and not stopped.
func (h *Host) Names() []string {
	var names []string
	for _, e := range h.records() {
		names = append(names, e.Name)
	}
	return names
}

func (h *Host) records() []Engine {
	entries, err := os.ReadDir(h.run)
	if err != nil {
		return nil
	}
	var all []Engine
	for _, entry := range entries {
		if e, ok := h.load(entry.Name()); ok {
			all = append(all, e)
		}
	}
	return all
}

func (h *Host) load(name string) (Engine, bool) {
	text, err := os.ReadFile(h.folders(name).record())
	if err != nil {
		return Engine{}, false
	}
	var e Engine
	return e, json.Unmarshal(text, &e) == nil && e.Name == name
}

func (h *Host) save(e Engine) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return cache.Write(h.folders(e.Name).record(), append(text, '\n'))
}

// alive tells whether its process is there, and not another of the same number.
func (e Engine) alive() bool {
	began, ok := beganAt(e.PID)
	return ok && e.PID > 0 && began == e.Began
}

func (e Engine) listens() bool {
	conn, err := net.DialTimeout("unix", strings.TrimPrefix(e.Address, "unix://"), time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// Size is what the engine's caches take on the disk, in bytes.
func (e Engine) Size() int64 { return cache.Size(e.State) }
