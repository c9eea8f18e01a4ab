package rig

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// Network is a network namespace of the test's own: what a runtime sets up in it,
// bridges, rules and listening ports, is gone with it.
type Network struct{ name string }

// NewNetwork makes a network namespace with a loopback device.
func NewNetwork(t *testing.T) *Network {
	t.Helper()
	Root(t)
	ip := Program(t, "ip", "iproute2")
	n := &Network{name: fmt.Sprintf("slipway-%d-%x", os.Getpid(), rand.Uint32())}
	Must(t, "", Environ(), ip, "netns", "add", n.name)
	t.Cleanup(func() { Run(t, "", Environ(), ip, "netns", "delete", n.name) })
	n.Must(t, "", Environ(), ip, "link", "set", "lo", "up")
	return n
}

// Args puts a program into the namespace, and into no other: ip netns exec would
// mount another /sys, without the control groups that runtimes need.
func (n *Network) Args(name string, args ...string) (string, []string) {
	return "nsenter", append([]string{"--net=/run/netns/" + n.name, name}, args...)
}

// Run runs a program in the namespace.
func (n *Network) Run(t *testing.T, dir string, env []string, name string, args ...string) Result {
	t.Helper()
	name, args = n.Args(name, args...)
	return Run(t, dir, env, name, args...)
}

// Must runs a program in the namespace that has to succeed.
func (n *Network) Must(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	name, args = n.Args(name, args...)
	return Must(t, dir, env, name, args...)
}

// Link joins the namespace to this machine with a cable of its own, and returns the
// addresses of both ends. It is gone with the namespace.
func (n *Network) Link(t *testing.T) (here, there string) {
	t.Helper()
	ip := Program(t, "ip", "iproute2")
	id := rand.Uint32()
	device := fmt.Sprintf("slip%x", id)
	// A range for documents and tests: https://www.rfc-editor.org/rfc/rfc5737
	third := 4 * (id % 64)
	here, there = fmt.Sprintf("198.51.100.%d", third+1), fmt.Sprintf("198.51.100.%d", third+2)
	Must(t, "", Environ(), ip, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", n.name)
	t.Cleanup(func() { Run(t, "", Environ(), ip, "link", "delete", device) })
	Must(t, "", Environ(), ip, "addr", "add", here+"/30", "dev", device)
	Must(t, "", Environ(), ip, "link", "set", device, "up")
	n.Must(t, "", Environ(), ip, "addr", "add", there+"/30", "dev", "eth0")
	n.Must(t, "", Environ(), ip, "link", "set", "eth0", "up")
	n.Must(t, "", Environ(), ip, "route", "add", "default", "via", here)
	return here, there
}
