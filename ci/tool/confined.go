package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"

	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Confined is a program that gets nothing of the user's environment: no setting, no
// credential, and where the kernel lets it, no network.
type Confined struct {
	// Program is its file.
	Program string
	Args    []string
	// Dir is its working folder and its home, Temp where it may put temporary files.
	Dir, Temp string
	// Stdin is what it reads; nil is nothing.
	Stdin io.Reader
	// Stdout and Stderr take what it prints.
	Stdout, Stderr io.Writer
	// Options have the user's environment, of which it gets what the system itself needs.
	Options Options
}

// Run runs it to its end and returns its exit code; it ends with ctx, together with
// what it started. The error, a clause, says that it was not started or did not come
// to an end of its own.
func (c Confined) Run(ctx context.Context, s step.Step) (int, error) {
	var cmd *exec.Cmd
	var err error
	for _, confine := range confinements {
		cmd = c.command(ctx)
		confine(cmd)
		if err = cmd.Start(); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("starting it: %w", err)
	}
	if !offline(cmd) {
		s.Log("this system lets no program run without its network: " + c.Program + " is only told to use none")
	}
	err = cmd.Wait()
	code := cmd.ProcessState.ExitCode()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && code >= 0 {
		return code, nil
	} else if ok {
		return code, fmt.Errorf("it was ended by the system (%s)", failed.ProcessState)
	}
	// What it started may hold its output open after its end.
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return code, err
}

func (c Confined) command(ctx context.Context) *exec.Cmd {
	cmd := process.Command(ctx, c.Program, c.Args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, c.Stdin, c.Stdout, c.Stderr
	cmd.Env = []string{"HOME=" + c.Dir, "USERPROFILE=" + c.Dir, "PATH=/usr/bin:/bin", "TMPDIR=" + c.Temp, "TMP=" + c.Temp, "TEMP=" + c.Temp}
	if runtime.GOOS == "windows" {
		cmd.Env = append(cmd.Env, "SYSTEMROOT="+c.Options.getenv("SYSTEMROOT"))
	}
	return cmd
}
