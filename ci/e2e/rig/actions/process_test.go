package actions

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun_CancelsAsAPersonWould(t *testing.T) {
	t.Parallel()
	r := repository(t, "cancel")
	event, err := ReadEvent(t.Context(), r.Source, "push.main")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(1500*time.Millisecond, cancel)
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
	require.Less(t, time.Since(started), 30*time.Second)
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, file := range environs {
		text, _ := os.ReadFile(file)
		require.False(t, strings.Contains(string(text), r.Work), "left running: %s", file)
	}
}
