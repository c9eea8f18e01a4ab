package local

import (
	"context"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Exec runs a command that the source's owner wants before a build. It has the
// environment of a build, with the host's platform, and the user's PATH behind the
// pinned release.
func (e *Engine) Exec(ctx context.Context, argv []string, s step.Step) error {
	name := argv[0]
	if !strings.ContainsAny(name, `/\`) {
		if found, ok := process.Find(name, filepath.Join(e.root, "bin")+string(filepath.ListSeparator)+e.user["PATH"]); ok {
			name = found
		}
	}
	cmd := process.Command(ctx, name, argv[1:]...)
	cmd.Dir, cmd.Env = e.goCommand.Source.Root, e.base
	out := &gocmd.Bounded{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.Ran(step.Command{Args: argv, Exit: step.Exit(err)})
	said := gocmd.Lines(out.Bytes())
	for _, line := range said {
		s.Log(line)
	}
	if err != nil {
		return fault.New(fault.Source, "the command %q of pre-build: %v", strings.Join(argv, " "), err).WithDetail(said...).
			WithFix("run it in the source folder by hand").WithCause(err)
	}
	return nil
}
