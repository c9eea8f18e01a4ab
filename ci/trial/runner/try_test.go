package runner_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/trial/runner"
)

// behind is a program behind a proxy that took some connections before it found out that
// nobody listens.
type behind struct{ takes int }

func (b *behind) Connects(context.Context) bool {
	b.takes--
	return b.takes >= 0
}

func (b *behind) Address() string                { return "127.0.0.1:1" }
func (b *behind) Ended() <-chan struct{}         { return nil }
func (b *behind) Exit() runner.Exit              { return runner.Exit{} }
func (b *behind) Signal(context.Context) error   { return runner.ErrEnded }
func (b *behind) Kill(context.Context)           {}
func (b *behind) Lines(context.Context) []string { return nil }

func TestTry_AsksAgainWhatAProxyTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		report, err := runner.Try(t.Context(), runner.Trial{Port: 8080, Wait: 5 * time.Second, Up: 2 * time.Second}, &behind{takes: 1})
		require.NoError(t, err)
		require.Equal(t, "the program does not take connections on port 8080 within 5s", report.Fault)
		require.Zero(t, report.Ready.Round(time.Second))
	})
}
