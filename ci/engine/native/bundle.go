package native

import (
	"encoding/json"
	"path/filepath"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Places inside an engine's root file system.
const (
	insideAPI     = "/run/slipway"
	insideContent = "/usr/local/share/dagger/content"
	insideCerts   = "/usr/local/tls"
)

// pool is how many container networks the engine keeps ready. Its own default of 128
// is for machines that serve many; each costs time at start and stop.
const pool = 8

// bundle is what the configuration of an engine's container depends on.
type bundle struct {
	engine  Engine
	folders folders
	parts   parts
	// listen are the addresses that the engine itself listens on, without TLS.
	listen []string
	// shared are mounts of what the engine only reads.
	shared       []specs.Mount
	capabilities []string
	env          []string
}

// spec describes the engine as a container for runc: the network, the host name and
// the devices of the machine, and a file system and processes of its own.
// https://github.com/opencontainers/runtime-spec/blob/v1.1.0/config.md
func (b bundle) spec() specs.Spec {
	all := b.capabilities
	return specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{
			Args: b.args(), Env: b.env, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all},
		},
		Root: &specs.Root{Path: b.folders.root()},
		Mounts: append([]specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "bind", Source: "/dev", Options: []string{"rbind", "rprivate"}},
			{Destination: "/sys", Type: "bind", Source: "/sys", Options: []string{"rbind", "rprivate"}},
			{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=755"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=1777"}},
			{Destination: "/var/lib/dagger", Type: "bind", Source: b.folders.state(), Options: []string{"rbind"}},
			{Destination: insideAPI, Type: "bind", Source: filepath.Dir(b.folders.socket()), Options: []string{"rbind"}},
			readOnly(filepath.Join(b.parts.tools, "bin"), "/usr/local/bin"),
			readOnly(filepath.Join(b.parts.tools, "cni"), "/opt/cni/bin"),
			readOnly(b.parts.content, insideContent),
			readOnly(b.folders.certs(), insideCerts),
		}, b.shared...),
		Linux: &specs.Linux{
			CgroupsPath: "/slipway/" + b.engine.Name,
			Namespaces:  []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}},
			// Nothing that the engine mounts is seen by the machine.
			RootfsPropagation: "private",
			// runc would allow a container's few devices only, and with them those of
			// the engine's own containers.
			Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}},
		},
	}
}

func marshal(spec specs.Spec) ([]byte, error) { return json.MarshalIndent(spec, "", "  ") }

func readOnly(from, to string) specs.Mount {
	return specs.Mount{Destination: to, Type: "bind", Source: from, Options: []string{"rbind", "ro"}}
}

func (b bundle) args() []string {
	args := []string{
		"/usr/local/bin/dagger-engine", "--network-name", b.engine.Network.Name, "--network-cidr", b.engine.Network.CIDR,
		"--oci-cni-pool-size", strconv.Itoa(pool), "--addr", "unix://" + insideAPI + "/" + filepath.Base(b.folders.socket()),
	}
	for _, address := range b.listen {
		args = append(args, "--addr", address)
	}
	return args
}
