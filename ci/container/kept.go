package container

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// What a container is asked after its end.
const stateFormat = "{{.State.ExitCode}} {{.State.OOMKilled}}"

// State is how a container ended.
type State struct {
	// Code is the exit code of its process 1: 128 and the signal's number where a signal
	// ended it.
	Code int
	// OutOfMemory says that the kernel ended it because it took too much memory.
	OutOfMemory bool
}

// Wait waits for the end of a container that is kept.
func (c *Container) Wait(ctx context.Context) (State, error) {
	if _, err := c.rt.output(ctx, time.Hour, "wait", c.id); err != nil {
		return State{}, c.rt.failed("waiting for the container", err)
	}
	out, err := c.rt.output(ctx, 20*time.Second, "inspect", "--format", stateFormat, c.id)
	if err != nil {
		return State{}, c.rt.failed("asking how the container ended", err)
	}
	var s State
	if _, err := fmt.Sscan(out, &s.Code, &s.OutOfMemory); err != nil {
		return State{}, c.rt.failed("asking how the container ended", fmt.Errorf("it answered %q", strings.TrimSpace(out)))
	}
	return s, nil
}

// Signal sends a signal to the container's process 1.
func (c *Container) Signal(ctx context.Context, name string) error {
	if _, err := c.rt.output(ctx, 20*time.Second, "kill", "--signal="+name, c.id); err != nil {
		return c.rt.failed("sending "+name+" to the container", err)
	}
	return nil
}

// removals is how often a runtime is asked to remove a container, and between the pause.
const (
	removals = 7
	between  = 500 * time.Millisecond
)

// Remove removes the container, also one that still runs. A runtime may be unable to for a
// moment: another process that has just started still holds what is mounted.
func (c *Container) Remove(ctx context.Context) {
	args := []string{"rm", "--force", "--volumes"}
	if c.rt.Name == "podman" {
		args = append(args, "--time=0") // docker does not wait either
	}
	for range removals {
		_, err := c.rt.output(ctx, time.Minute, append(args, c.id)...)
		if err == nil || absent(err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(between):
		}
	}
}

// absent tells whether a runtime said that there is no such container.
func absent(err error) bool {
	said := strings.ToLower(lastLine(err))
	return strings.Contains(said, "no such container") || strings.Contains(said, "no container with")
}

// Logs writes the last lines that the container printed to w.
func (c *Container) Logs(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := c.rt.command(ctx, "logs", "--tail", "100", c.id)
	cmd.Stdout, cmd.Stderr = w, w
	return cmd.Run()
}
