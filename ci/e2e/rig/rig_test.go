package rig

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A registry once ended in the middle of a test, because Go had ended the thread that
// it was started from.
func TestDaemon_OutlivesTheThreadThatStartedIt(t *testing.T) {
	started := make(chan *exec.Cmd)
	for range 8 { // one of them may have the main thread, which Go never ends
		go func() {
			runtime.LockOSThread()
			started <- Daemon(t, nil, "sleep", "60")
		}()
	}
	for range 8 {
		cmd := <-started
		time.Sleep(50 * time.Millisecond)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		require.NoError(t, err)
		require.Contains(t, string(status), "State:\tS")
	}
}
