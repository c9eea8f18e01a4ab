package dagger

import (
	"context"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

// joinWait bounds how long a program may take to reach an engine.
const joinWait = 20 * time.Second

// hello is what a client of HTTP/2 says first, and what a server answers by itself:
// https://www.rfc-editor.org/rfc/rfc9113#section-3.4
const hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// joining are the arguments with which the dagger command lets ssh or kubectl join it
// to the engine at an address: the packages ssh and kubepod of BuildKit's connhelper.
func joining(u *url.URL) []string {
	if u.Scheme == "kube-pod" {
		q := u.Query()
		return []string{
			"--context=" + q.Get("context"), "--namespace=" + q.Get("namespace"), "exec", "--container=" + q.Get("container"),
			"-i", u.Hostname(), "--", "buildctl", "dial-stdio",
		}
	}
	var args []string
	if name := u.User.Username(); name != "" {
		args = append(args, "-l", name)
	}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	args = append(args, "--", u.Hostname(), "buildctl")
	if u.Path != "" {
		args = append(args, "--addr", "unix://"+u.Path)
	}
	return append(args, "dial-stdio")
}

// joins lets the program reach the engine once: where it fails it says why, and the
// dagger command would try for a minute and not pass that on.
func (e *Engine) joins(ctx context.Context, program string, args []string) error {
	trial, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	cmd := process.Command(trial, program, args...)
	for name, value := range e.user {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said := &tail{}
	cmd.Stderr = said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, _ = io.WriteString(stdin, hello)
	_, err = io.ReadFull(stdout, make([]byte, 1))
	late := trial.Err() != nil
	if err == nil {
		cancel() // it would stay; one that fails may not have said yet why
	}
	_ = cmd.Wait()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	name, why := filepath.Base(program), said.last()
	if late {
		why = "no answer within " + joinWait.String()
	}
	return fault.New(fault.Engine, "the Dagger engine at %s is not reached with %s: %s", redactHost(e.where.Host), name, why).
		WithFix("see by hand that %s comes in without asking for anything, and that buildctl is on PATH there (slipway engine status says where it is), %s", name, another)
}
