package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/plan"
)

func TestDifferences_NamesFields(t *testing.T) {
	t.Parallel()
	a := plan.Image{Name: "a", Version: "v1.0.0", Config: plan.Config{User: "1"}}
	require.Empty(t, a.Differences(a))
	b := a
	b.Version, b.Commit, b.Config.User = "v2.0.0", "c", "2"
	require.Equal(t, []string{"commit", "config", "version"}, a.Differences(b))
	require.Equal(t, []string{"commit", "config", "version"}, b.Differences(a))
}
