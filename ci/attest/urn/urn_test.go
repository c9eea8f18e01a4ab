package urn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/urn"
)

func TestOf_FollowsFromKindAndContent(t *testing.T) {
	t.Parallel()
	of := func(kind string, document any) string {
		name, err := urn.Of(kind, document)
		require.NoError(t, err)
		return name
	}
	first := of("sbom", []string{"a"})
	require.Equal(t, first, of("sbom", []string{"a"}))
	require.NotEqual(t, of("sbom", "a"), of("sbom", "b"))
	require.NotEqual(t, of("sbom", "a"), of("vex", "a"))
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, of("sbom", "a"))
	_, err := urn.Of("sbom", func() {})
	require.ErrorContains(t, err, "naming a document of sbom")
}
