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
	var daemons []*exec.Cmd
	started := make(chan error)
	for range 8 { // one of them may have the main thread, which Go never ends
		cmd := exec.Command("sleep", "60")
		go func() {
			runtime.LockOSThread()
			started <- launch(cmd)
		}()
		require.NoError(t, <-started)
		t.Cleanup(func() { stop(cmd) })
		daemons = append(daemons, cmd)
	}
	time.Sleep(300 * time.Millisecond)
	for _, cmd := range daemons {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		require.NoError(t, err)
		require.Regexp(t, `(?m)^State:\t[SRD] `, string(status), "asleep, or on the way to it")
	}
}
