package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
	"example.com/slipway/ci/report"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/term"
)

func (s *session) checkVerb() *cobra.Command {
	var checks pipeline.Checks
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Build the image and judge it: tests, content, leaks, vulnerabilities, a trial run",
		Long: "Check builds the image as build does and lets every gate judge those bytes. It writes\n" +
			"the report beside the image, in all forms, and prints the digest on stdout if all pass.",
	}
	flags := config.Bind(cmd.Flags())
	bindChecks(cmd.Flags(), &checks)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.choose(cmd.Flags(), &checks); err != nil {
			return err
		}
		return s.check(cmd.Context(), flags, checks)
	}
	return cmd
}

func (s *session) check(ctx context.Context, flags *config.Flags, checks pipeline.Checks) error {
	p, err := s.pipeline()
	if err != nil {
		return err
	}
	done, err := p.Check(ctx, s.said(flags), checks)
	if err := s.conclude(ctx, done, err); err != nil {
		return err
	}
	s.printDigests(done.Built)
	return nil
}

// conclude writes what a run leaves, whatever became of it, shows the report, and returns
// what the run ended with: err where it came to no verdict.
func (s *session) conclude(ctx context.Context, done *pipeline.Checked, err error) error {
	judged := err == nil
	err = s.settle(ctx, done, err)
	if s.job == nil && !judged && exitCode(ctx, err) == ExitUsage {
		return err // nothing was done, and files stay as they are
	}
	if judged {
		if err := s.write(done.Built); err != nil {
			return err
		}
	}
	if lost := s.report(done); lost != nil {
		return cmp.Or(err, lost)
	}
	return err
}

// settle returns what a run ended with, and writes into its receipt what only the front
// door knows of that.
func (s *session) settle(ctx context.Context, done *pipeline.Checked, err error) error {
	err = ended(ctx, cmp.Or(err, done.Err()))
	if f := done.Receipt.Failure; f != nil {
		f.Exit = exitCode(ctx, err)
		if i, ok := errors.AsType[Interrupt](context.Cause(ctx)); ok {
			f.Kind, f.What, f.Fix, f.Detail = i.kind(), i.Error(), "", nil
		}
	}
	done.Receipt.Run.Replay = replay.Token(done.Receipt)
	return err
}

// report writes the report beside the images, shows it, and tells the job of it.
func (s *session) report(done *pipeline.Checked) error {
	out := s.path(".slipway") // of a run without a plan
	if done.Built != nil {
		out = done.Plan.Run.Output
	}
	dir := filepath.Join(out, "report")
	if err := s.writeReport(dir, done.Receipt); err != nil {
		return err
	}
	s.screen().Close()
	if err := report.Text(s.Stderr, done.Receipt, s.textOptions()); err != nil {
		return err
	}
	return s.finish(done, gha.Finish{Receipt: filepath.Join(dir, "receipt.json"), Report: filepath.Join(dir, "report.html")})
}

func (s *session) writeReport(dir string, r *receipt.Receipt) error {
	return step.Run(s.screen(), "report", func(step.Step) (string, error) {
		err := output.Folder(filepath.Dir(dir))
		if err == nil {
			err = report.All(dir, r)
		}
		if err != nil {
			return "", unwritable(err)
		}
		return s.relative(filepath.Join(dir, "report.html")), nil
	})
}

// textOptions are what the terminal can do. The error itself is shown last.
func (s *session) textOptions() report.TextOptions {
	terminal, width, _ := term.Window(s.Stderr)
	options := report.TextOptions{Color: term.Detect(s.getenv, terminal).Color, Told: true}
	if terminal {
		options.Width = width()
	}
	return options
}

// printDigests prints the digest of each image, after its name where there are several.
func (s *session) printDigests(b *pipeline.Built) {
	for _, made := range b.Images {
		if len(b.Images) > 1 {
			fmt.Fprintf(s.Stdout, "%s ", made.Plan.Name)
		}
		fmt.Fprintln(s.Stdout, made.Index.Digest)
	}
}
