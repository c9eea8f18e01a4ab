// Package trial tells what trying an image means: what is started with what, and what
// the outcome says of the image. How it is started is an engine's.
package trial

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/trial/runner"
)

const (
	// Memory is how much a program may take, in bytes. A service that has nothing to do
	// needs a tenth of it.
	Memory = 512 << 20
	// up is how long a program has to stay up: many die of what they need a second
	// after they listen.
	up = 2 * time.Second

	nonroot = 65532
)

// Of says what to start: what the image's configuration says, with what the trial
// gives in addition to it and in its place.
func Of(sm engine.Smoke) (runner.Trial, error) {
	img, err := tarball.ImageFromPath(sm.Archive, nil)
	if err != nil {
		return runner.Trial{}, fmt.Errorf("reading the image to try: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return runner.Trial{}, fmt.Errorf("reading the configuration of the image to try: %w", err)
	}
	c := file.Config
	t := runner.Trial{
		Argv: slices.Concat(c.Entrypoint, c.Cmd), Env: slices.Concat(c.Env, sm.Env), Dir: path.Join("/", c.WorkingDir),
		Health: sm.Health, Capabilities: bits(sm.Capabilities), Wait: sm.Wait, Stop: sm.StopWithin, Up: up, Memory: Memory,
	}
	if len(sm.Args) > 0 {
		t.Argv = slices.Concat(c.Entrypoint, sm.Args)
	}
	t.UID, t.GID = user(c)
	if t.Signal.Name = c.StopSignal; t.Signal.Name == "" {
		t.Signal.Name = "SIGTERM"
	}
	if t.Signal.Number = number(t.Signal.Name); t.Signal.Number == 0 {
		return t, fault.New(fault.Unjudged, "the stop signal %s is not known", t.Signal.Name).WithFix("name it as signal(7) does, such as SIGTERM")
	}
	// Checked where the port was said.
	t.Port, _ = strconv.Atoi(port(sm.Config.Ports))
	if t.Port == 0 && t.Health != "" {
		return t, fault.New(fault.Unjudged, "no port is known on which to ask for %s", t.Health).WithFix("port in .slipway.yaml says what the program listens on")
	}
	return t, nil
}

// Judge says what a report means.
func Judge(r runner.Report, how string) (engine.Smoked, error) {
	if r.Fault != "" {
		kind := fault.Gate
		if r.Unjudged {
			kind = fault.Unjudged
		}
		return engine.Smoked{}, fault.New(kind, "%s", r.Fault).WithFix("%s", r.Fix).WithDetail(r.Lines...)
	}
	return engine.Smoked{How: strings.Join(append([]string{how}, r.Loose...), ", "), Ready: r.Ready, Stopped: r.Stopped}, nil
}

// Unjudged says that nothing could try the image.
func Unjudged(format string, args ...any) *fault.Error {
	return fault.New(fault.Unjudged, format, args...).WithFix("try it where that can be done, or turn it off with smoke: false")
}

// port is the number of the first TCP port.
func port(list []string) string {
	for _, p := range list {
		if number, proto, _ := strings.Cut(p, "/"); proto == "tcp" || proto == "" {
			return number
		}
	}
	return ""
}

// user is the user and group of an image; both are numbers in ours.
func user(c v1.Config) (uid, gid int) {
	name, group, _ := strings.Cut(c.User, ":")
	uid, err := strconv.Atoi(name)
	if err != nil {
		return nonroot, nonroot
	}
	if gid, err = strconv.Atoi(group); err != nil {
		gid = uid
	}
	return uid, gid
}

// bits are capabilities in the order of linux/capability.h.
func bits(names []string) uint64 {
	value := layer.Capability(names)
	return uint64(binary.LittleEndian.Uint32(value[4:])) | uint64(binary.LittleEndian.Uint32(value[12:]))<<32
}

// number is that of a signal on Linux, as signal(7) has it, or 0.
func number(name string) int {
	known := map[string]int{
		"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGUSR1": 10, "SIGUSR2": 12, "SIGALRM": 14, "SIGTERM": 15,
		"SIGWINCH": 28, "SIGPWR": 30, "SIGRTMIN": 34, "SIGRTMAX": 64,
	}
	if n, ok := known[name]; ok {
		return n
	}
	for prefix, sign := range map[string]int{"": 1, "SIGRTMIN+": 1, "SIGRTMAX-": -1} {
		after, found := strings.CutPrefix(name, prefix)
		if n, err := strconv.Atoi(after); found && err == nil {
			return max(0, known[strings.TrimRight(prefix, "+-")]+sign*n)
		}
	}
	return 0
}
