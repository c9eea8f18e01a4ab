package native

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRemoval_TakesTheRulesOfOneNetworkOnly(t *testing.T) {
	t.Parallel()
	const shared = `*filter
:FORWARD ACCEPT [0:0]
:CNI-ADMIN - [0:0]
:CNI-FORWARD - [0:0]
-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
`
	const ours = `-A CNI-FORWARD -d 10.87.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s 10.87.0.2/32 -j ACCEPT
`
	const theirs = "-A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT\n"
	const removed = `-D CNI-FORWARD -d 10.87.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-D CNI-FORWARD -s 10.87.0.2/32 -j ACCEPT
`
	const chains = `-D FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
-D CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
-F CNI-FORWARD
-F CNI-ADMIN
-X CNI-FORWARD
-X CNI-ADMIN
`
	for name, c := range map[string]struct{ saved, want string }{
		"nothing":            {"", ""},
		"an empty table":     {"*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n", ""},
		"the last network":   {shared + ours + "COMMIT\n", "*filter\n" + removed + chains + "COMMIT\n"},
		"one of two":         {shared + theirs + ours + "COMMIT\n", "*filter\n" + removed + "COMMIT\n"},
		"a rule of an admin": {shared + "-A CNI-ADMIN -j DROP\n" + ours + "COMMIT\n", "*filter\n" + removed + "COMMIT\n"},
		"only the chains":    {shared + "COMMIT\n", "*filter\n" + chains + "COMMIT\n"},
		"somebody else's":    {shared + theirs + "COMMIT\n", ""},
		"masquerading": {
			`*nat
-A POSTROUTING -s 10.87.0.2/32 -m comment --comment "name: \"slipway\" id: \"a\"" -j CNI-0123
-A POSTROUTING -s 10.88.0.2/32 -m comment --comment "name: \"slipway2\" id: \"b\"" -j CNI-4567
-A CNI-0123 -d 10.87.0.0/16 -m comment --comment "name: \"slipway\" id: \"a\"" -j ACCEPT
COMMIT
`,
			`*nat
-D POSTROUTING -s 10.87.0.2/32 -m comment --comment "name: \"slipway\" id: \"a\"" -j CNI-0123
-F CNI-0123
-X CNI-0123
COMMIT
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, removal(c.saved, "slipway", netip.MustParsePrefix("10.87.0.0/16")))
		})
	}
}
