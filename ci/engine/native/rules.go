package native

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// variant is one of the two forms of iptables: a kernel may have both, and each sees
// its own rules only.
type variant struct {
	program string
	tables  []string
}

// variants names the legacy tables that are in use: asking for another would load it.
func variants() []variant {
	all := []variant{{"xtables-nft-multi", []string{"filter", "nat"}}}
	if names, err := os.ReadFile("/proc/net/ip_tables_names"); err == nil {
		legacy := variant{program: "xtables-legacy-multi"}
		for _, table := range strings.Fields(string(names)) {
			if table == "filter" || table == "nat" {
				legacy.tables = append(legacy.tables, table)
			}
		}
		all = append(all, legacy)
	}
	return all
}

// removeRules removes the rules that the CNI plugins made for a network and that an
// engine which was killed could not remove. The programs are those of the tree: the
// machine may have none.
func (h *Host) removeRules(ctx context.Context, tree string, n Network) error {
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return fmt.Errorf("reading the engine's address range: %w", err)
	}
	for _, v := range variants() {
		for _, table := range v.tables {
			saved, err := h.iptables(ctx, tree, "", v.program, "iptables-save", "--table", table)
			if err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				continue // the kernel does not have this variant
			}
			if script := removal(string(saved), n.Name, prefix); script != "" {
				if _, err := h.iptables(ctx, tree, script, v.program, "iptables-restore", "--noflush"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (h *Host) iptables(ctx context.Context, tree, stdin, program string, args ...string) ([]byte, error) {
	cmd := command(ctx, []string{"PATH=/usr/sbin:/usr/bin"}, filepath.Join("/usr/sbin", program), args...)
	cmd.Stdin = strings.NewReader(stdin)
	inside(tree, cmd)
	out, said, err := output(cmd)
	if err != nil {
		return nil, failed(ctx, "removing the engine's packet filter rules", err, said, "try again")
	}
	return out, nil
}

// The chains of the CNI plugins that all networks of a machine share.
const (
	forwardChain = "CNI-FORWARD"
	adminChain   = "CNI-ADMIN"
)

// removal turns what iptables-save printed into what iptables-restore needs to remove
// the rules of one network, and the shared chains if nothing else is in them; "" if
// there is nothing to remove. Sources: pkg/ip/ipmasq_iptables_linux.go and
// plugins/meta/firewall/iptables.go of the CNI plugins.
func removal(saved, network string, prefix netip.Prefix) string {
	var script strings.Builder
	var table string
	var rules, gone []string
	finish := func() {
		if table == "filter" {
			gone = append(gone, sharedChains(rules, gone)...)
		}
		if len(gone) > 0 {
			fmt.Fprintf(&script, "*%s\n%s\nCOMMIT\n", table, strings.Join(gone, "\n"))
		}
		rules, gone = nil, nil
	}
	for line := range strings.Lines(saved) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case line == "COMMIT":
			finish()
		case strings.HasPrefix(line, "-A "):
			rules = append(rules, line)
			gone = append(gone, removeRule(line, network, prefix)...)
		}
	}
	return script.String()
}

// removeRule returns the lines that remove a rule, if it is one of the network, and
// the chain that it alone leads to.
func removeRule(line, network string, prefix netip.Prefix) []string {
	words := strings.Fields(line)
	removed := "-D " + strings.TrimPrefix(line, "-A ")
	switch {
	case words[1] == forwardChain && slices.ContainsFunc(words, func(word string) bool {
		address, err := netip.ParsePrefix(word)
		return err == nil && prefix.Contains(address.Addr()) && address.Bits() == 32
	}):
		return []string{removed}
	case words[1] == "POSTROUTING" && strings.Contains(line, `name: \"`+network+`\" id: `):
		i := slices.Index(words, "-j")
		if i < 0 || i+1 >= len(words) || !strings.HasPrefix(words[i+1], "CNI-") {
			return []string{removed}
		}
		return []string{removed, "-F " + words[i+1], "-X " + words[i+1]}
	}
	return nil
}

// sharedChains returns the lines that remove the shared chains, if with the rules that
// go nothing of anybody is left in them.
func sharedChains(rules, gone []string) []string {
	const jump = forwardChain + " -m comment --comment \"CNI firewall plugin admin overrides\" -j " + adminChain
	const entry = "FORWARD -m comment --comment \"CNI firewall plugin rules\" -j " + forwardChain
	var had []string
	for _, line := range rules {
		rule := strings.TrimPrefix(line, "-A ")
		chain, _, _ := strings.Cut(rule, " ")
		if rule == jump || rule == entry {
			had = append(had, "-D "+rule)
		} else if (chain == forwardChain || chain == adminChain) && !slices.Contains(gone, "-D "+rule) {
			return nil
		}
	}
	if len(had) == 0 {
		return nil
	}
	return append(had, "-F "+forwardChain, "-F "+adminChain, "-X "+forwardChain, "-X "+adminChain)
}
