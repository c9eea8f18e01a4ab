package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/trial"
	"example.com/slipway/ci/trial/runner"
)

// bare tries the program of an image beside this one: a copy, because its user may not
// see the cache folder, in a folder with nothing else in it.
func bare(ctx context.Context, sm engine.Smoke, t runner.Trial) (engine.Smoked, error) {
	dir, err := os.MkdirTemp("", "slipway-smoke-")
	if err != nil {
		return engine.Smoked{}, fmt.Errorf("making a folder for the program to try: %w", err)
	}
	defer os.RemoveAll(dir)
	// What a umask takes away is given back.
	if err := os.Chmod(dir, 0o755); err != nil {
		return engine.Smoked{}, err
	}
	t.Argv[0], t.Dir = filepath.Join(dir, filepath.Base(t.Argv[0])), dir
	if err := program(t.Argv[0], sm.Binary.File); err != nil {
		return engine.Smoked{}, fmt.Errorf("copying the program to try: %w", err)
	}
	report := runner.Run(ctx, t)
	if ctx.Err() != nil {
		return engine.Smoked{}, context.Cause(ctx)
	}
	if report.Unstarted {
		// The copy is executable; this machine does not let it be, in that folder.
		report.Unjudged, report.Fix = true, "let programs run in "+filepath.Dir(dir)+", or start docker or podman"
	}
	how := "beside Slipway, because no container runtime answers: not in its image, with this machine's files and network"
	if uid := os.Geteuid(); uid != 0 {
		how += fmt.Sprintf(", as user %d", uid)
	}
	return trial.Judge(report, how)
}

// program copies a program. No other is started meanwhile: it would hold the copy open
// for writing, and the system does not start what somebody writes to.
func program(to, from string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Chmod(to, 0o755)
}
