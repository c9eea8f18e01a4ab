// Package native runs a Dagger engine on a Linux host that has neither Docker nor a
// container registry. It builds the engine, its client and the content of its Go SDK
// from published Go modules whose sums are embedded here, puts them on a small Debian
// tree, and lets the host's runc run that. What is built is kept in the cache folder
// and shared by all engines of the machine.
package native

import (
	"os"
	"path/filepath"
	"runtime"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// Version is the release of Dagger that is built.
const Version = "v0.21.8"

// DefaultName is the engine that a user means who names none.
const DefaultName = "default"

// runFolder is the machine's, not a user's: names of engines, their bridges and
// address ranges are the machine's too. A restart of the machine empties it.
const runFolder = "/run/slipway"

// Options are what a Host takes from its surroundings.
type Options struct {
	// Env is the environment of the user, as os.Environ gives it.
	Env []string
	// Cache is the folder for what is kept between runs.
	Cache string
	// Reporter hears about the steps.
	Reporter step.Reporter
}

// Host is this machine as far as it runs engines.
type Host struct {
	cache  string
	run    string
	env    []string
	report step.Reporter
}

// New returns the host; it does nothing until a method is called.
func New(o Options) *Host {
	if o.Reporter == nil {
		o.Reporter = step.Silent{}
	}
	return &Host{cache: filepath.Join(o.Cache, "engine"), run: runFolder, env: o.Env, report: o.Reporter}
}

// Engine is an engine that was started.
type Engine struct {
	Name string `json:"name"`
	// Version is the release of Dagger.
	Version string `json:"version"`
	// Address is where clients on this machine find it: unix:///...
	Address string `json:"address"`
	// Remote are the addresses for clients on other machines.
	Remote []string `json:"remote,omitempty"`
	// Network is the network of its containers.
	Network Network `json:"network"`
	// PID is its process.
	PID int `json:"pid"`
	// Since is when it was started.
	Since time.Time `json:"since"`
	// State is the folder of its caches.
	State string `json:"state"`
	// Tools is the folder of programs built with it.
	Tools string `json:"tools"`
	// Tree is the Debian tree that its root file system is a copy of.
	Tree string `json:"tree"`
	// Settings is the hash of what it was started with.
	Settings string `json:"settings"`
	// Began tells its process from a later one with the same number, in clock ticks
	// since the machine started.
	Began uint64 `json:"began"`
}

// CLI is the folder that has the dagger command and nothing else.
func (e Engine) CLI() string { return filepath.Join(e.Tools, "cli") }

// SSH is the folder that has the program which a client over ssh runs on this machine,
// and nothing else. It has to be on PATH there.
func (e Engine) SSH() string { return filepath.Join(e.Tools, "ssh") }

// Command is the dagger command of the engine's own release.
func (e Engine) Command() string { return filepath.Join(e.CLI(), "dagger") }

// Environ are the variables that let a client use the engine. The client is one of
// the engine's own release, asks nobody whether there is a newer one, and reports
// to nobody.
func (e Engine) Environ() []string {
	return []string{
		"_EXPERIMENTAL_DAGGER_RUNNER_HOST=" + e.Address,
		"_EXPERIMENTAL_DAGGER_CLI_BIN=" + filepath.Join(e.CLI(), "dagger"),
		"DO_NOT_TRACK=1", "DAGGER_NO_NAG=1",
	}
}

// able says why this machine or this user cannot run an engine.
func able() error {
	if runtime.GOOS != "linux" {
		return fault.New(fault.Engine, "slipway runs a Dagger engine by itself on Linux only, and this is %s", runtime.GOOS).
			WithFix("let a container runtime start it, or use one on another machine")
	}
	if os.Geteuid() != 0 {
		return fault.New(fault.Engine, "a Dagger engine mounts file systems and sets up networks, which only root may").
			WithFix("run this as root")
	}
	return nil
}

// folders of one engine.
type folders struct {
	// kept is in the cache folder, run is gone when the machine restarts.
	kept, run string
}

func (h *Host) folders(name string) folders {
	return folders{kept: filepath.Join(h.cache, "engines", name), run: filepath.Join(h.run, name)}
}

func (f folders) state() string   { return filepath.Join(f.kept, "state") }
func (f folders) certs() string   { return filepath.Join(f.kept, "tls") }
func (f folders) root() string    { return filepath.Join(f.kept, "root") }
func (f folders) log() string     { return filepath.Join(f.kept, "engine.log") }
func (f folders) record() string  { return filepath.Join(f.run, "engine.json") }
func (f folders) bundle() string  { return filepath.Join(f.run, "bundle") }
func (f folders) runtime() string { return filepath.Join(f.run, "runc") }
func (f folders) socket() string  { return filepath.Join(f.run, "api", "engine.sock") }
