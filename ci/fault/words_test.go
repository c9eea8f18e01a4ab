package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
)

func TestTell_SaysEachErrorOnce(t *testing.T) {
	t.Parallel()
	usage := fault.New(fault.Usage, "reading go.mod: no such file").WithFix("run slipway in a Go module")
	gate := fault.New(fault.Gate, "too large").WithDetail("16 MB")
	require.Empty(t, fault.Tell(nil))
	require.Equal(t, []fault.Words{{What: "planning: reading go.mod: no such file", Fix: "run slipway in a Go module"}}, fault.Tell(fmt.Errorf("planning: %w", usage)))
	require.Equal(t, []fault.Words{{What: "reading go.mod: no such file", Fix: "run slipway in a Go module"}, {What: "too large", Detail: []string{"16 MB"}}}, fault.Tell(errors.Join(usage, gate)))
	require.Len(t, fault.Tell(fmt.Errorf("%w after %w", usage, gate)), 1)
	require.Contains(t, fault.Tell(errors.New("index out of range"))[0].Fix, "a bug of Slipway")
}
