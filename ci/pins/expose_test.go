package pins_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/pins"
)

func TestPorts_AreThoseOfTheLastStage(t *testing.T) {
	t.Parallel()
	require.Empty(t, pins.Ports(t.TempDir()))
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"one":             {"FROM alpine\nEXPOSE 8080\n", []string{"8080"}},
		"several":         {"FROM alpine\nexpose 8080/TCP 53/udp\nEXPOSE 8080 9090/tcp\n", []string{"8080", "53/udp", "9090"}},
		"an earlier one":  {"FROM alpine AS build\nEXPOSE 1\nFROM alpine\nEXPOSE 2\n", []string{"2"}},
		"a variable":      {"FROM alpine\nARG PORT=80\nEXPOSE $PORT 443\n", []string{"443"}},
		"no port":         {"FROM alpine\nEXPOSE 0 123456 8000-8010 80/http \x1b[31m\n", nil},
		"no Dockerfile":   {"EXPOSE", nil},
		"a word about it": {"FROM alpine\n# EXPOSE 80\nRUN echo EXPOSE 80\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(c.text), 0o644))
			require.Equal(t, c.want, pins.Ports(dir))
		})
	}
}
