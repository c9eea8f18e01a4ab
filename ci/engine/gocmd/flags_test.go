package gocmd

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutDirect_KeepsOnlyProxies(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://proxy.example,direct":               "https://proxy.example",
		"https://a.example|https://b.example,direct": "https://a.example|https://b.example",
		"direct":                   "off",
		"":                         "off",
		"direct,https://a.example": "https://a.example",
		"off":                      "off",
	} {
		require.Equal(t, want, WithoutDirect(in), in)
	}
}

func TestQuote_IsWhatTheGoCommandSplits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"main.v=1": "main.v=1", "main.v=a b": "'main.v=a b'", "main.v=it's": `"main.v=it's"`, `main.v="x"`: `'main.v="x"'`,
		"main.v=-extld=evil": "main.v=-extld=evil", "main.v=x -extld=evil": "'main.v=x -extld=evil'",
	} {
		require.Equal(t, want, quote(in))
	}
}
