package keyless_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type parsed struct {
	VerificationMaterial struct {
		Certificate any
		TlogEntries any
	}
}

func parse(t *testing.T, bundle []byte) parsed {
	t.Helper()
	var b parsed
	require.NoError(t, json.Unmarshal(bundle, &b))
	return b
}

func certificate(t *testing.T, bundle []byte) any {
	t.Helper()
	return parse(t, bundle).VerificationMaterial.Certificate
}

func entries(t *testing.T, bundle []byte) any {
	t.Helper()
	return parse(t, bundle).VerificationMaterial.TlogEntries
}

// edit sets a value in a bundle, named by its keys with dots between them; nil removes it.
func edit(t *testing.T, bundle []byte, path string, value any) []byte {
	t.Helper()
	var b any
	require.NoError(t, json.Unmarshal(bundle, &b))
	steps := strings.Split(path, ".")
	at := b
	for _, step := range steps[:len(steps)-1] {
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			at = in[0]
		}
	}
	switch in := at.(type) {
	case map[string]any:
		in[steps[len(steps)-1]] = value
		if value == nil {
			delete(in, steps[len(steps)-1])
		}
	default:
		require.Fail(t, "a bundle has no "+path)
	}
	text, err := json.Marshal(b)
	require.NoError(t, err)
	return text
}
