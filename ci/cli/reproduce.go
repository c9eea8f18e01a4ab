package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
	"example.com/slipway/ci/verify"
)

// replaying are the settings that a user may say otherwise where a recorded run is
// repeated. Nothing is published then, and the version and the epoch are the recorded ones.
func replaying() []string {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.Bind(all)
	var names []string
	all.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains([]string{"version", "epoch", "target", "image-tag", "ref", "overwrite", "attest", "sign", "sign-key", "signing-config", "trusted-root"}, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

// reproduction is what the flags of reproduce say.
type reproduction struct {
	verification
	receipt      string
	fetch, shell bool
}

func (s *session) reproduceVerb() *cobra.Command {
	r := &reproduction{verification: verification{rebuild: true, only: true}}
	cmd := &cobra.Command{
		Use:   "reproduce RECEIPT|ZIP|TOKEN|IMAGE",
		Short: "Make a recorded run again, or build a published image again, and compare",
		Long: "Reproduce makes a run again from its receipt.json, from the zip of a job's artifact with one\n" +
			"in it, or from the token that a failed job prints: the recorded commit, taken from the\n" +
			"repository of --src into a folder of its own, with the recorded gates and settings, on the\n" +
			"engine at hand. It says whether the same fails, or the digest is the same, and otherwise which\n" +
			"inputs differ; then the exit code is 20. It publishes nothing. Flags are stronger than the\n" +
			"receipt, which has no say in what belongs to this machine, such as --allow-exec.\n\n" +
			"Of an image in a registry it finds the signed provenance, builds the recorded commit again by\n" +
			"the recorded plan, and says where the two images differ, if they do. verify --rebuild does the\n" +
			"same with every other check.",
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&r.receipt, "receipt", "", "which receipt.json of a zip, where it has several")
	cmd.Flags().BoolVar(&r.fetch, "fetch", false, "fetch a commit that is not here from the repository that the receipt names")
	cmd.Flags().BoolVar(&r.shell, "shell", false, "run nothing, and open a shell where the run would be: in the builder container of a Dagger engine, or in the checkout, with the Go release and settings of the run")
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	r.bind(own, replaying()...)
	cmd.Flags().AddFlagSet(own)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		recorded, err := replay.Open(args[0], s.Dir, r.receipt)
		if err != nil {
			return err
		}
		if recorded == nil {
			return s.reproduceImage(cmd, args[0], r)
		}
		if err := only(cmd, "a recorded run", append(replaying(), "receipt", "fetch", "json", "shell")); err != nil {
			return err
		}
		if r.shell {
			return s.shell(cmd.Context(), recorded, r)
		}
		return s.reproduce(cmd.Context(), recorded, r)
	}
	return cmd
}

func (s *session) reproduceImage(cmd *cobra.Command, text string, r *reproduction) error {
	if _, err := verify.Parse(text); err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			err = f.WithFix("%s; or %s", f.Fix, replay.Forms)
		}
		return err
	}
	verifying := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(verification).bind(verifying, rebuilding...)
	var names []string
	verifying.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if err := only(cmd, "an image", names); err != nil {
		return err
	}
	return s.verify(cmd.Context(), text, &r.verification)
}

// only refuses flags that say nothing of what is reproduced.
func only(cmd *cobra.Command, what string, names []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if cmd.InheritedFlags().Lookup(f.Name) == nil && !slices.Contains(names, f.Name) {
			err = fault.New(fault.Usage, "--%s says nothing where %s is reproduced", f.Name, what).WithFix("leave it out")
		}
	})
	return err
}

func (s *session) reproduce(ctx context.Context, recorded *replay.Record, r *reproduction) error {
	scratch, err := os.MkdirTemp("", "slipway-again-")
	if err != nil {
		return unwritable(err)
	}
	defer os.RemoveAll(scratch)
	o := s.replayOptions(r)
	o.Run = func(ctx context.Context, dir string, then *replay.Record) (*receipt.Receipt, error) {
		return s.repeat(ctx, r.flags, dir, scratch, then)
	}
	result, err := recorded.Again(ctx, o)
	s.screen().Close()
	if result == nil {
		return err
	}
	if r.json || result.Outcome != replay.NotRun || len(result.Notes) > 0 {
		if err := s.printReplayed(result, r.json); err != nil {
			return err
		}
	}
	return cmp.Or(err, result.Err())
}

func (s *session) replayOptions(r *reproduction) replay.Options {
	return replay.Options{Dir: s.path(s.src), Env: s.Env, Fetch: r.fetch, Reporter: s.screen()}
}

// repeat makes a recorded run in a checkout. What it makes stays in the scratch folder,
// unless somebody named another one.
func (s *session) repeat(ctx context.Context, flags *config.Flags, dir, scratch string, then *replay.Record) (*receipt.Receipt, error) {
	p, err := s.pipeline()
	if err != nil {
		return nil, err
	}
	keep := flags.Said("output")
	if p.Dir = dir; !keep {
		p.WorkDir = scratch
	}
	if then.Digest() {
		// A digest that an earlier build left proves nothing.
		p.Fresh = scratch
	}
	asked := then.Request
	done, err := p.Check(ctx, s.saidAgain(flags, then), pipeline.Checks{Gates: asked.Gates, Twice: asked.Twice, Rerun: asked.Rerun, Describe: asked.Verb == "publish"})
	if keep {
		return done.Receipt, s.conclude(ctx, done, err)
	}
	return done.Receipt, s.settle(ctx, done, err)
}

// saidAgain gathers what the receipt says beside the flags, the environment and the file.
func (s *session) saidAgain(flags *config.Flags, then *replay.Record) pipeline.Said {
	return func(file *config.File) (*config.Said, error) {
		return config.Repeat(file, s.getenv, then.Settings(), flags)
	}
}

// printReplayed writes a result to stdout.
func (s *session) printReplayed(r *replay.Result, asJSON bool) error {
	if asJSON {
		return s.printJSON(r)
	}
	width, color := s.page()
	return r.Text(s.Stdout, replay.TextOptions{Width: width, Color: color})
}
