package e2e_test

import (
	"bytes"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
)

// A publish that somebody interrupts while a registry answers nothing ends at once, says
// so, and leaves a receipt of how far it came. The next one completes it.
func TestPublish_InterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	kind := func(k rig.Kind) func(rig.Request) bool { return func(r rig.Request) bool { return r.Kind == k } }
	for name, m := range map[string]struct {
		at      func(rig.Request) bool
		signal  syscall.Signal
		verdict receipt.Verdict
		step    string
	}{
		"while it asks for the right": {kind(rig.UploadStart), syscall.SIGINT, receipt.Stopped, "preflight "},
		"in the middle of a blob":     {kind(rig.UploadEnd), syscall.SIGINT, receipt.Unpublished, "push "},
		"before an image":             {kind(rig.ManifestPut), syscall.SIGTERM, receipt.Unpublished, "push "},
		"before the tag of a version": {func(r rig.Request) bool { return r.Kind == rig.TagPut && r.Reference == "1.4.0" }, syscall.SIGTERM, receipt.Unpublished, "tag "},
		"before the last tag":         {func(r rig.Request) bool { return r.Kind == rig.TagPut && r.Reference == "latest" }, syscall.SIGINT, receipt.Unpublished, "move "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, hold := kindOf(t, "docker-registry").open(t), rig.NewHold()
			t.Cleanup(hold.Release)
			h.Proxy.Between(hold.Before(m.at))
			p := h.signalled(t, src, hold, m.signal)
			word, exit := "interrupted", 130
			if m.signal == syscall.SIGTERM {
				word, exit = "terminated", 143
			}
			require.Equal(t, exit, p.Code, p.Stderr)
			require.Contains(t, sentence(t, p.Result), "stopped by "+m.signal.String())
			r := p.requireStopped(t, m.verdict, word, exit, m.step+h.repository("tide"))
			if m.verdict == receipt.Unpublished {
				require.Len(t, r.Run.Publications, 1)
				require.Equal(t, receipt.Incomplete, r.Run.Publications[0].State)
				require.NotEmpty(t, r.Images[0].Digest)
				require.NotNil(t, r.Images[0].Inspection, "what was judged is in it")
			}
			hold.Release()
			h.Proxy.Idle()
			h.Proxy.Between(nil)
			h.requireComplete(t, h.repository("tide"))
			digest := h.publish(t, "tide", src).digest(t, h.repository("tide"))
			h.requireTags(t, map[string]string{"1.4.0": digest, "1.4": digest, "1": digest, "latest": digest})
		})
	}
}

// signalled runs publish and signals it where it is held.
func (h *harborage) signalled(t *testing.T, src string, hold *rig.Hold, signal syscall.Signal) published {
	t.Helper()
	p := published{out: t.TempDir()}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(slipway(t), publishArgs(src, p.out, h.repository("tide"))...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(t, h.env...), &stdout, &stderr
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	select {
	case <-hold.Arrived:
	case <-ended:
		require.FailNow(t, "it ended before", "%s", stderr.String())
	}
	require.NoError(t, cmd.Process.Signal(signal))
	select {
	case <-ended:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-ended
		require.FailNow(t, "it goes on", "%s", stderr.String())
	}
	p.Stdout, p.Stderr, p.Code = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	h.requireNoSecrets(t, p.Result, p.out)
	return p
}
