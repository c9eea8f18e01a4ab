package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/plan"
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
		e, builder, err := p.Prepare(ctx, s.saidAgain(r.flags, recorded))
		if err != nil {
			return err
		}
		defer func() { _ = e.Close() }()
		env, where := s.Env, inContainer(dir, recorded, builder)
		if local, ok := e.(interface{ Environment() []string }); ok {
			env, where = local.Environment(), ""
			for _, name := range personal {
				if value := s.getenv(name); value != "" {
					env = append(env, name+"="+value)
				}
			}
		}
		s.screen().Close()
		s.greet(dir, where, recorded)
		return s.interact(ctx, stdin, dir, env)
	})
}

// greet says where the shell is and what failed.
func (s *session) greet(dir, where string, recorded *replay.Record) {
	fmt.Fprintf(s.Stderr, "%s is the commit %s, until this shell ends\n", dir, recorded.Commit)
	if where != "" {
		fmt.Fprintf(s.Stderr, "the builder container: %s\n", where)
	}
	if failed := recorded.Failed(); len(failed) > 0 {
		fmt.Fprintf(s.Stderr, "what failed: %s\n", plain.Log(plain.Line(strings.Join(failed, " "))))
	}
}

// interact runs the user's shell. How it ends is the user's business.
func (s *session) interact(ctx context.Context, stdin *os.File, dir string, env []string) error {
	cmd := exec.CommandContext(ctx, cmp.Or(s.getenv("SHELL"), "sh"))
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

// inContainer is the command that opens a terminal in a container of the builder. A
// session of the SDK has no terminal to offer, so it is the user who runs it.
func inContainer(dir string, recorded *replay.Record, builder plan.Pin) string {
	root := strings.TrimSuffix(dir, path.Join("/", recorded.Folder))
	return strings.Join([]string{
		"dagger", "core", "container", "from", "--address=" + builder.Name + "@" + builder.Digest,
		"with-directory", "--path=/src", "--source=" + root, "with-workdir", "--path=" + path.Join("/src", recorded.Folder), "terminal",
	}, " ")
}
