package keyless_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/keyless"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/tool"
)

// script stands in for the program.
func script(t *testing.T, text string, env ...string) keyless.Program {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o755))
	return keyless.Program{File: file, Options: tool.Options{Env: env, Cache: t.TempDir()}}
}

func TestProgram_IsBelievedOnlyWithAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"garbage":      {"echo garbage", "invalid character"},
		"nothing":      {"cat > /dev/null", "unexpected end"},
		"an exit code": {"echo trouble >&2; exit 3", "exit status 3"},
		"too much":     {"yes trouble >&2", "running "},
		"an error":     {`cat > /dev/null; printf %s '{"stage":"root","error":"trouble\nand more"}'`, "getting what Sigstore's public instance is trusted by: trouble: check the network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := script(t, c.text).Public(t.Context())
			require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestProgram_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := script(t, "sleep 300").Public(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Minute)
}

func TestProgram_SeesOfTheUserOnlyHowTheNetworkIsReached(t *testing.T) {
	t.Parallel()
	p := script(t, `cat > /dev/null; [ -z "$GITHUB_TOKEN$COSIGN_PASSWORD" ] && [ "$https_proxy" = http://proxy ] && echo '{"trustedRoot":{"seen":true}}'`,
		"GITHUB_TOKEN=secret", "COSIGN_PASSWORD=secret", "https_proxy=http://proxy")
	services, err := p.Public(t.Context())
	require.NoError(t, err)
	require.JSONEq(t, `{"seen":true}`, string(services.TrustedRoot))
}
