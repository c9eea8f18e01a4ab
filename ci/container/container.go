// Package container drives the container runtime at hand, docker or podman, by its
// command line: that is the one interface both keep stable.
package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/process"
)

// Runtime is a container runtime that answered.
type Runtime struct {
	// Name is docker or podman.
	Name string
	// Platform is what it runs without emulation.
	Platform plan.Platform

	program string
	env     []string
}

// HostPlatform is the platform of containers on this machine: linux, also where
// the runtime lives in a virtual machine.
func HostPlatform() plan.Platform {
	return plan.Platform{OS: "linux", Arch: runtime.GOARCH}.Normal()
}

// versions asks each runtime for the platform of its server, which fails where only
// the client is installed.
var versions = []struct {
	name string
	args []string
}{
	{"docker", []string{"version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"}},
	{"podman", []string{"info", "--format", "{{.Host.OS}}/{{.Host.Arch}}"}},
}

// Find returns the first of docker and podman that answers. SLIPWAY_RUNTIME in env
// names the one to take.
func Find(ctx context.Context, env []string) (*Runtime, error) {
	wanted := process.Getenv(env, "SLIPWAY_RUNTIME")
	var tried []string
	for _, v := range versions {
		if wanted != "" && wanted != v.name {
			continue
		}
		program, ok := process.Find(v.name, process.Getenv(env, "PATH"))
		if !ok {
			tried = append(tried, v.name+": not on PATH")
			continue
		}
		rt := &Runtime{Name: v.name, program: program, env: env}
		out, err := rt.output(ctx, 20*time.Second, v.args...)
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			tried = append(tried, v.name+": "+lastLine(err))
			continue
		}
		platform, err := plan.ParsePlatform(strings.TrimSpace(out))
		if err != nil {
			tried = append(tried, v.name+": "+err.Error())
			continue
		}
		rt.Platform = platform
		return rt, nil
	}
	if len(tried) == 0 {
		tried = []string{fmt.Sprintf("SLIPWAY_RUNTIME is %q, which is neither docker nor podman", wanted)}
	}
	return nil, fault.New(fault.Engine, "no container runtime answers").WithDetail(tried...).
		WithFix("start docker or install podman; build --tarball writes an image for another machine")
}

// Load reads an image archive into the runtime.
func (r *Runtime) Load(ctx context.Context, archive string) error {
	if _, err := r.output(ctx, 10*time.Minute, "load", "--quiet", "--input", archive); err != nil {
		return r.failed("loading the image", err)
	}
	return nil
}

// Remove takes a name off an image, and the image away that has no other.
func (r *Runtime) Remove(ctx context.Context, image string) {
	// It may never have come there.
	_, _ = r.output(ctx, time.Minute, "image", "rm", image)
}

func (r *Runtime) failed(doing string, err error) error {
	f := fault.New(fault.Engine, "%s: %s said: %s", doing, r.Name, lastLine(err)).WithCause(err)
	if said, ok := errors.AsType[*saidError](err); ok {
		f = f.WithDetail(said.lines...)
	}
	return f.WithFix("%s info shows whether the runtime works", r.Name)
}

// saidError is a failed call with what the runtime printed.
type saidError struct {
	err   error
	lines []string
}

func (e *saidError) Error() string { return lastLine(e) }
func (e *saidError) Unwrap() error { return e.err }

func lastLine(err error) string {
	if said, ok := errors.AsType[*saidError](err); ok && len(said.lines) > 0 {
		return said.lines[len(said.lines)-1]
	} else if ok {
		return said.err.Error()
	}
	return err.Error()
}

// output runs the runtime's program for at most limit.
func (r *Runtime) output(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := r.command(bounded, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if bounded.Err() != nil {
		err = fmt.Errorf("no answer within %s", limit)
	}
	return "", &saidError{err: err, lines: strings.FieldsFunc(stderr.String(), func(c rune) bool { return c == '\n' })}
}

func (r *Runtime) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := process.Command(ctx, r.program, args...)
	cmd.Env, cmd.WaitDelay = r.env, 2*time.Second
	return cmd
}
