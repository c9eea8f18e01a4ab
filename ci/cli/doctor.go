package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/cobra"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/container"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/step"
)

// ailment is what a check found: nothing, something that Slipway can do without, or
// something that it cannot.
type ailment struct {
	finding string
	err     error
	// optional says what works all the same.
	optional string
}

func (s *session) doctorVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a build needs on this machine",
		Long: "Doctor checks the source folder, git, Go, the module proxy, the base's registry, the\n" +
			"container runtime, the Dagger engine and the cache folder, and says what to do about what is missing.",
	}
	flags := config.Bind(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return s.doctor(cmd.Context(), flags) }
	return cmd
}

func (s *session) doctor(ctx context.Context, flags *config.Flags) error {
	var worst error
	for _, check := range []struct {
		name string
		run  func(context.Context, *config.Flags) ailment
	}{
		{"cache folder", s.checkCache}, {"source", s.checkSource}, {"git", s.checkGit}, {"Go", s.checkGo},
		{"base", s.checkBase}, {"container runtime", s.checkRuntime}, {"Dagger engine", s.checkEngine}, {"scanner", s.checkScanner},
	} {
		a := check.run(ctx, flags)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case a.err == nil:
			fmt.Fprintf(s.Stdout, "ok       %-18s %s\n", check.name, a.finding)
		case a.optional != "":
			s.complain("missing", check.name, a.err)
			fmt.Fprintf(s.Stdout, "%28s%s\n", "", a.optional)
		default:
			s.complain("needed", check.name, a.err)
			if worst == nil {
				worst = a.err
			}
		}
	}
	if worst != nil {
		return fault.New(fault.KindOf(worst), "something that a build needs is missing").WithFix("see the lines marked needed").WithCause(worst)
	}
	return nil
}

func (s *session) complain(word, name string, err error) {
	what, fix := err.Error(), ""
	if f, ok := errors.AsType[*fault.Error](err); ok {
		what, fix = f.What, f.Fix
	}
	fmt.Fprintf(s.Stdout, "%-8s %-18s %s\n", word, name, what)
	if fix != "" {
		fmt.Fprintf(s.Stdout, "%28sfix: %s\n", "", fix)
	}
}

func (s *session) checkCache(context.Context, *config.Flags) ailment {
	dir, err := s.cacheDir()
	if err != nil {
		return ailment{err: err}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return ailment{err: fault.New(fault.Usage, "%v", err).WithFix("set SLIPWAY_CACHE to a folder that can be written")}
	}
	return ailment{finding: dir}
}

func (s *session) checkSource(ctx context.Context, flags *config.Flags) ailment {
	p, err := s.pipeline()
	if err != nil {
		return ailment{err: err}
	}
	made, _, err := p.Plan(ctx, s.said(flags))
	if err != nil {
		return ailment{err: err}
	}
	return ailment{finding: fmt.Sprintf("%s, built from %s by %s", made.Image.Name, made.Image.Mains[0].Package, made.Image.Toolchain)}
}

func (s *session) checkGit(ctx context.Context, _ *config.Flags) ailment {
	const without = "without it an image has no version, no commit and the time 0"
	found, err := project.Read(ctx, project.Options{Dir: s.path(s.src), Env: s.Env})
	switch {
	case err != nil:
		return ailment{err: errors.New("the source folder could not be read"), optional: without}
	case found.Git.Commit == "":
		return ailment{err: errors.New("no commit: install git, or commit the source folder"), optional: without}
	}
	return ailment{finding: found.Git.Commit[:12] + " " + found.Git.Version}
}

// checkGo readies the toolchain as a build would, which asks the module proxy.
func (s *session) checkGo(ctx context.Context, flags *config.Flags) ailment {
	p, err := s.pipeline()
	if err != nil {
		return ailment{err: err}
	}
	pinned, err := pins.Read(p.Dir)
	if err != nil {
		return ailment{err: err}
	}
	number, err := pinned.GoVersion()
	if err != nil {
		return ailment{err: err}
	}
	chain, err := local.New(local.Options{Env: s.Env, Cache: p.Cache}).Prepare(ctx, engine.Source{Root: p.Dir, TreeRoot: p.Dir}, engine.Builder{Image: pinned.Builder, Release: "go" + number}, step.Silent{}.Start(""))
	if err != nil {
		return ailment{err: err}
	}
	return ailment{finding: chain.From + " " + chain.Sum}
}

func (s *session) checkBase(ctx context.Context, flags *config.Flags) ailment {
	p, err := s.pipeline()
	if err != nil {
		return ailment{err: err}
	}
	made, _, err := p.Plan(ctx, s.said(flags))
	if err != nil {
		return ailment{err: err}
	}
	if made.Image.Base.Digest == "" {
		return ailment{finding: made.Image.Base.Name}
	}
	_, err = base.Fetch(ctx, base.Request{
		Pin: made.Image.Base, Platforms: made.Image.Platforms, Mirrors: made.Run.Mirrors,
		Cache: filepath.Join(p.Cache, "base"), Keychain: authn.DefaultKeychain, Wait: 5 * time.Second,
	})
	if base.IsUnreachable(err) {
		return ailment{err: err, optional: "build and run fall back to the embedded base"}
	}
	return ailment{finding: made.Image.Base.String(), err: err}
}

func (s *session) checkRuntime(ctx context.Context, _ *config.Flags) ailment {
	rt, err := container.Find(ctx, s.Env)
	if err != nil {
		return ailment{err: err, optional: "build works; run and build --load do not"}
	}
	return ailment{finding: rt.Name + " on " + rt.Platform.String()}
}
