package config_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// again resolves a source with what a recorded plan says.
func again(t *testing.T, file string, recorded plan.Image) (*config.Plan, error) {
	t.Helper()
	said, in := input(t, file)
	said.Recorded(recorded)
	in.Said = said
	return config.Resolve(t.Context(), in)
}

func TestRecorded_GivesThePlanAgain(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		nil,
		{
			"--tags=a,b", "--set=main.x=it's", "--strip=dwarf", "--version=v9.0.0", "--epoch=7", "--name=boat", "--platform=linux/arm,linux/riscv64",
			"--certs=bundled", "--user=1000", "--workdir=/x", "--env=A=b=c", "--args=-x", "--capability=cap_net_bind_service", "--port=53/udp",
			"--stop-signal=SIGINT", "--label=a=b", "--annotation=c=d", "--title=T", "--description=D", "--url=U", "--source=S", "--licenses=MIT", "--compression=zstd",
		},
		{"--debug", "--base=scratch"},
	} {
		made, err := resolve(t, "port: [99]\nuser: 5\n", nil, args...)
		require.NoError(t, err)
		// It comes back from JSON, and the source's own file has changed meanwhile.
		text, err := json.Marshal(made.Images[0])
		require.NoError(t, err)
		var recorded plan.Image
		require.NoError(t, json.Unmarshal(text, &recorded))
		p, err := again(t, "port: [1]\nuser: 6\nstop-signal: SIGHUP\n", recorded)
		require.NoError(t, err)
		require.Empty(t, recorded.Differences(p.Images[0]), args)
	}
}

func TestRecorded_IsCheckedAsWhatAUserSays(t *testing.T) {
	t.Parallel()
	made, err := resolve(t, "", nil)
	require.NoError(t, err)
	recorded := made.Images[0]
	recorded.Build.Tags = []string{"-toolexec=evil"}
	_, err = again(t, "", recorded)
	require.Equal(t, fault.Usage, fault.KindOf(err))
}
