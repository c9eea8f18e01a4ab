package dagger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
)

// joined is an engine that is reached with programs that behave in that way.
func joined(t *testing.T, host, how string, env ...string) *Engine {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"ssh", "kubectl"} {
		require.NoError(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	return New(Options{Env: append(env, "PATH="+dir, "DAGGER_TEST="+how), Where: Where{Host: host}})
}

func TestReachable_CallsAsTheDaggerCommandDoes(t *testing.T) {
	t.Parallel()
	for host, args := range map[string]string{
		"ssh://harbour": "-- harbour buildctl dial-stdio",
		"ssh://pilot@harbour:2222/run/engine.sock":              "-l pilot -p 2222 -- harbour buildctl --addr unix:///run/engine.sock dial-stdio",
		"kube-pod://engine-0":                                   "--context= --namespace= exec --container= -i engine-0 -- buildctl dial-stdio",
		"kube-pod://engine-0?context=a&namespace=b&container=c": "--context=a --namespace=b exec --container=c -i engine-0 -- buildctl dial-stdio",
	} {
		begin := time.Now()
		require.NoError(t, joined(t, host, "joins", "DAGGER_TEST_ARGS="+args).reachable(t.Context()), host)
		require.Less(t, time.Since(begin), joinWait, "the program is not waited for")
	}
}

// What a program says that does not reach the engine is told, at once.
func TestReachable_TellsWhatTheProgramSays(t *testing.T) {
	t.Parallel()
	err := joined(t, "ssh://harbour", "refuses").reachable(t.Context())
	require.ErrorContains(t, err, "the Dagger engine at ssh://harbour is not reached with ssh: start engine: no driver: see by hand that ssh ")
	require.Equal(t, fault.Engine, fault.KindOf(err))

	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(stopped) })
	require.ErrorIs(t, joined(t, "ssh://harbour", "hangs").reachable(ctx), stopped)
}
