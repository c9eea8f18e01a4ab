package answer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"artifactType":"` + ArtifactType + `","config":{"mediaType":"` + configType + `","size":1,"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}`))
	f.Add([]byte(`{"layers":[{"digest":"../x:y","size":-1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := read(text, 1<<20)
		if err != nil {
			return
		}
		require.Len(t, m.Config.Digest.Hex, 64)
		for _, d := range m.Layers {
			require.Len(t, d.Digest.Hex, 64)
			require.LessOrEqual(t, d.Size, int64(1<<20))
		}
	})
}
