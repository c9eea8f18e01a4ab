package attest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
)

func TestNew_IsAboutItsDigests(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("a", 64)
	s, err := attest.New(attest.Signature, map[string]string{"a": "<b>"}, "sha256:"+hex)
	require.NoError(t, err)
	text, err := s.Encode()
	require.NoError(t, err)
	require.Equal(t, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"`+hex+`"}}],`+
		`"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{"a":"<b>"}}`, string(text))
	require.True(t, s.Is("sha256:"+hex))
	for _, other := range []string{"sha256:" + strings.Repeat("b", 64), "sha512:" + hex, "sha256", "", ":", "sha256:"} {
		require.False(t, s.Is(other), other)
	}
	_, err = attest.New(attest.Signature, nil, "latest")
	require.ErrorContains(t, err, `"latest"`)
}
