package dagger

import (
	"context"
	"errors"
	"strings"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// Exec runs a command that the source's owner wants before a build, in the builder
// and on a copy of the source tree, and brings back the files that it changed.
func (e *Engine) Exec(ctx context.Context, argv []string, s step.Step) error {
	ctr, err := e.builderContainer(ctx)
	if err != nil {
		return err
	}
	// What git keeps is no source, and not for a command of the source to change.
	before := e.client.Host().Directory(e.src.TreeRoot, sdk.HostDirectoryOpts{Exclude: []string{"**/.git"}, NoCache: true})
	ran := ctr.WithDirectory(tree, before).WithWorkdir(e.workdir()).WithExec(argv)
	said, err := e.output(ctx, ran)
	if err != nil {
		return err
	}
	s.Ran(step.Command{Args: argv, Exit: step.Exit(said.Err)})
	lines := append(gocmd.Lines(said.Stdout), gocmd.Lines(said.Stderr)...)
	for _, line := range lines {
		s.Log(line)
	}
	if said.Err != nil {
		return fault.New(fault.Source, "the command %q of pre-build failed in the builder", strings.Join(argv, " ")).WithDetail(lines...).
			WithFix("run it in the source folder by hand, or build with --engine local").WithCause(said.Err)
	}
	if _, err := ran.Directory(tree).Changes(before).Export(ctx, e.src.TreeRoot); err != nil {
		return e.trouble(ctx, err)
	}
	return nil
}

// fullDisk tells whether a command in the engine found no room.
func fullDisk(said string) bool {
	return strings.Contains(said, "no space left on device") || strings.Contains(said, "disk quota exceeded")
}

// trouble says what went wrong between Slipway and the engine.
func (e *Engine) trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	said := err.Error()
	if failed, ok := errors.AsType[*sdk.ExecError](err); ok {
		said += failed.Stderr
	}
	what := fault.New(fault.Engine, "the Dagger engine %s failed: %s", e.where.name(), lastLine(err.Error())).WithCause(err)
	switch {
	case fullDisk(said):
		return fault.New(fault.Engine, "the disk of the Dagger engine %s is full", e.where.name()).
			WithFix("make room: dagger core engine local-cache prune, %s", another).WithCause(err)
	case e.gone(said):
		return fault.New(fault.Engine, "the Dagger engine %s went away during the build", e.where.name()).
			WithFix("look at its log, start it again (slipway engine up) and build again").WithCause(err)
	}
	return what.WithFix("look at the engine and its log, %s", another)
}

// gone tells whether the engine or the way to it broke down.
func (e *Engine) gone(said string) bool {
	opened := e.session
	if opened != nil && !opened.alive() {
		return true
	}
	for _, sign := range []string{"connection refused", "connection reset", "EOF", "broken pipe", "transport is closing", "session", "Unavailable", "no such file or directory: dial"} {
		if strings.Contains(said, sign) {
			return true
		}
	}
	return false
}

// noBuilder says why there is no builder image.
func (e *Engine) noBuilder(ctx context.Context, err error) error {
	said := err.Error()
	for _, sign := range []string{"resolve", "not found", "denied", "authorized", "authorization", "pull", "registry", "no such host", "i/o timeout"} {
		if ctx.Err() == nil && !fullDisk(said) && strings.Contains(said, sign) {
			return fault.New(fault.Registry, "the Dagger engine did not get the builder image %s: %s", e.builder.Image, lastLine(said)).
				WithFix("check the pin, and the registry and mirrors as the engine sees them, %s", another).WithCause(err)
		}
	}
	return e.trouble(ctx, err)
}

func lastLine(text string) string {
	lines := gocmd.Lines([]byte(text))
	if len(lines) == 0 {
		return "it said nothing"
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
