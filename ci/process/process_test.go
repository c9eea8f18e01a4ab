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
