package process_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/process"
)

func TestGetenv_TakesTheLastEntry(t *testing.T) {
	t.Parallel()
	env := []string{"A=1", "AB=2", "A=3=4", "malformed", "EMPTY="}
	for name, want := range map[string]string{"A": "3=4", "AB": "2", "EMPTY": "", "B": "", "malformed": ""} {
		require.Equal(t, want, process.Getenv(env, name), name)
	}
}

// Compilers are told when to collect garbage, and the user's word for it holds.
func TestCompiling_LetsTheUserSayWhen(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"": "400", "100": "100", "off": "off"} {
		got := process.Compiling(func(name string) string { return map[string]string{"GOGC": said, "GOMEMLIMIT": "64MiB"}[name] })
		require.Equal(t, []string{"GOGC=" + want, "GOMEMLIMIT=1GiB"}, got)
	}
}
