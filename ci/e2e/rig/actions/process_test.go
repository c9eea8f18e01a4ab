package actions

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun_CancelsAsAPersonWould(t *testing.T) {
	t.Parallel()
	r := repository(t, "cancel")
	r.Grace.Interrupt, r.Grace.Streams = time.Minute, time.Minute // nothing here waits for their end
	event, err := ReadEvent(t.Context(), r.Source, "push.main")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for started := errors.New("not yet"); started != nil && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			_, started = os.Stat(filepath.Join(r.Work, "cancel/work/_temp/started"))
		}
		cancel()
	}()
	result, err := r.Run(ctx, event)
	require.NoError(t, err)
	job := result.Job("cancel")
	require.Equal(t, Cancelled, job.Conclusion)
	require.Equal(t, []string{"started", "interrupted"}, job.Step("direct").Log[:2])
	require.Equal(t, 130, job.Step("direct").Code)
	require.Equal(t, Skipped, job.Step("skipped").Outcome)
	require.Equal(t, []string{"cleaned up"}, job.Step("always").Log)
	require.Equal(t, []string{"sleep"}, job.Orphans)
}

// A shell waits for what it runs before it heeds a signal, and does not pass it on.
func TestRun_SignalsReachNothingBehindAShell(t *testing.T) {
	t.Parallel()
	r := repository(t, "shell")
	started := time.Now()
	job := start(t, r, "push.main").Job("shell")
	require.Equal(t, Cancelled, job.Conclusion)
	require.Equal(t, []string{"started"}, job.Step("shell").Log[:1])
	require.NotContains(t, job.Log(), "interrupted")
	require.Equal(t, []string{"cancelled"}, job.Step("after").Log)
	require.Less(t, time.Since(started), 2*time.Minute)
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, file := range environs {
		text, _ := os.ReadFile(file)
		require.NotContains(t, string(text), r.Work, "left running: %s", file)
	}
}
