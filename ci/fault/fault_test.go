package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
)

func TestError_IsOneSentenceWithWhatToDo(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.Registry, "asking %s", "gcr.io").WithFix("log in").WithDetail("401").WithCause(io.EOF)
	require.EqualError(t, err, "asking gcr.io: log in")
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []string{"401"}, err.Detail)
}

func TestWith_LeavesTheOriginalAsItWas(t *testing.T) {
	t.Parallel()
	first := fault.New(fault.Usage, "first")
	_ = first.WithFix("fix")
	require.EqualError(t, first, "first")
}

func TestKindOf_IsABugWhereNobodyGaveAKind(t *testing.T) {
	t.Parallel()
	require.Equal(t, fault.Bug, fault.KindOf(errors.New("x")))
	require.Equal(t, fault.Source, fault.KindOf(fmt.Errorf("building: %w", fault.New(fault.Source, "x"))))
}
