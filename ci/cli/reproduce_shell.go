package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/replay"
	"example.com/slipway/ci/term"
)

// personal are the variables of the user that a shell needs to be usable, and that no
// build sees.
var personal = []string{"TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "USER", "LOGNAME", "EDITOR", "SHELL"}

// shell opens a shell where the recorded run would be made again.
func (s *session) shell(ctx context.Context, recorded *replay.Record, r *reproduction) error {
	stdin, ok := s.Stdin.(*os.File)
	if ok {
		ok, _, _ = term.Window(stdin)
	}
	if !ok {
		return fault.New(fault.Usage, "--shell needs a terminal on stdin").WithFix("leave it out to make the run again")
	}
	return recorded.Checkout(ctx, s.replayOptions(r), func(dir string) error {
		p, err := s.pipeline()
		if err != nil {
			return err
		}
		p.Dir, p.WorkDir = dir, dir
		e, err := p.Prepare(ctx, s.saidAgain(r.flags, recorded))
		if err != nil {
			return err
		}
		defer func() { _ = e.Close() }()
		argv, env, where, err := s.inside(ctx, e, dir)
		if err != nil {
			return err
		}
		s.screen().Close()
		s.greet(where, recorded)
		return s.interact(ctx, stdin, dir, argv, env)
	})
}

// inside is what opens a shell where an engine runs its commands: in the builder's
// container, or in the checkout with the environment of every go command.
func (s *session) inside(ctx context.Context, e engine.Engine, dir string) (argv, env []string, where string, err error) {
	if remote, ok := e.(interface {
		Terminal(context.Context) (argv, env []string, err error)
	}); ok {
		argv, env, err = remote.Terminal(ctx)
		return argv, env, "the builder container has a copy of", err
	}
	env = s.Env
	if local, ok := e.(interface{ Environment() []string }); ok {
		env = local.Environment()
		for _, name := range personal {
			if value := s.getenv(name); value != "" {
				env = append(env, name+"="+value)
			}
		}
	}
	return []string{cmp.Or(s.getenv("SHELL"), "sh")}, env, dir + " is", nil
}

// greet says where the shell is and what failed.
func (s *session) greet(where string, recorded *replay.Record) {
	fmt.Fprintf(s.Stderr, "%s the commit %s, until this shell ends\n", where, recorded.Commit)
	if failed := recorded.Failed(); len(failed) > 0 {
		fmt.Fprintf(s.Stderr, "what failed: %s\n", plain.Log(plain.Line(strings.Join(failed, " "))))
	}
}

// interact runs the user's shell. How it ends is the user's business.
func (s *session) interact(ctx context.Context, stdin *os.File, dir string, argv, env []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, slices.Concat(env, []string{"PWD=" + dir})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, s.Stdout, s.Stderr
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended && ctx.Err() == nil {
		return nil
	}
	if err != nil && ctx.Err() == nil {
		return fault.New(fault.Usage, "starting the shell: %v", err).WithFix("set SHELL to the path of one")
	}
	return err
}
