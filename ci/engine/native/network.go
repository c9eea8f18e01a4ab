package native

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"

	"example.com/slipway/ci/fault"
)

// Network is the network of an engine's containers.
type Network struct {
	// Name is the engine's for it; its bridge is called Name0.
	Name string `json:"name"`
	// CIDR is its address range.
	CIDR string `json:"cidr"`
	// Gateway is the address of this machine in it: what listens there can be reached
	// from the engine's containers.
	Gateway string `json:"gateway"`
}

// Bridge is the network's device, at most 15 characters as Linux wants it.
func (n Network) Bridge() string { return n.Name + "0" }

// The ranges are 10.87.0.0/16, as Dagger's own default is, and those after it.
const (
	firstRange = 87
	ranges     = 40
)

// newNetwork chooses a name and the first range that overlaps none of the taken
// prefixes. The default engine's comes first.
func newNetwork(engine string, taken []netip.Prefix) (Network, error) {
	hash := sha256.Sum256([]byte(engine))
	name, first := fmt.Sprintf("slip%x", hash[:4]), 1+int(hash[4])%(ranges-1)
	if engine == DefaultName {
		name, first = "slipway", 0
	}
	for i := range ranges {
		second := firstRange + (first+i)%ranges
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(second)}), 16)
		free := true
		for _, other := range taken {
			free = free && !prefix.Overlaps(other)
		}
		if free {
			return Network{Name: name, CIDR: prefix.String(), Gateway: fmt.Sprintf("10.%d.0.1", second)}, nil
		}
	}
	return Network{}, fault.New(fault.Engine, "all address ranges from 10.%d.0.0/16 to 10.%d.0.0/16 are in use on this machine", firstRange, firstRange+ranges-1).
		WithFix("stop an engine with slipway engine down --name")
}

// takenPrefixes are the networks that this machine has an address in, and those of
// engines that are just starting.
func (h *Host) takenPrefixes(engine string) ([]netip.Prefix, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing the addresses of this machine: %w", err)
	}
	var taken []netip.Prefix
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			taken = append(taken, prefix)
		}
	}
	for _, e := range h.records() {
		if prefix, err := netip.ParsePrefix(e.Network.CIDR); err == nil && e.Name != engine {
			taken = append(taken, prefix)
		}
	}
	return taken, nil
}
