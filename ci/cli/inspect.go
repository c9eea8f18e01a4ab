package cli

import (
	"context"
	"encoding/json"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// inspection is what the flags of inspect say.
type inspection struct {
	json, strict     bool
	platforms, plain []string
	budget, against  string
}

func (s *session) inspectVerb() *cobra.Command {
	var i inspection
	cmd := &cobra.Command{
		Use:   "inspect IMAGE",
		Short: "Print what is in an image, and what it could do without",
		Long: "Inspect reads an image that anybody built: an OCI layout, an archive of docker save\n" +
			"or of an OCI layout, or an image in a registry. It prints sizes, what the programs are\n" +
			"made of, and findings. With --strict a finding makes the exit code 20.",
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&i.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&i.strict, "strict", false, "refuse an image that has a finding")
	cmd.Flags().StringSliceVar(&i.platforms, "platform", nil, "look at these platforms only")
	cmd.Flags().StringVar(&i.budget, "budget", "15MB", "largest compressed size of one platform's image")
	cmd.Flags().StringVar(&i.against, "against", "", "print how much the image grew since this one")
	cmd.Flags().StringSliceVar(&i.plain, "plain-http", nil, "registry to ask without TLS, as HOST:PORT")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.inspect(cmd.Context(), args[0], i) }
	return cmd
}

func (s *session) inspect(ctx context.Context, image string, i inspection) error {
	budget, err := config.ParseSize(i.budget)
	if err != nil {
		return fault.New(fault.Usage, "--budget: %v", err).WithFix("inspect --help shows the form of budget")
	}
	options := inspect.Options{Keychain: authn.DefaultKeychain, PlainHTTP: i.plain}
	for _, text := range i.platforms {
		p, err := v1.ParsePlatform(text)
		if err != nil || p.OS == "" || p.Architecture == "" {
			return fault.New(fault.Usage, "%q is not a platform", text).WithFix("write os/arch or os/arch/variant, for example linux/arm64")
		}
		options.Platforms = append(options.Platforms, plan.Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}.Normal())
	}
	now, err := s.look(ctx, image, options)
	if err != nil {
		return err
	}
	var before *inspect.Report
	if i.against != "" {
		options.Platforms = nil
		if before, err = s.look(ctx, i.against, options); err != nil {
			return err
		}
	}
	j := inspect.NewJudgement(now, before, inspect.Policy{Budget: budget})
	if err := s.printJudgement(j, i.json); err != nil {
		return err
	}
	if n := len(j.Findings); i.strict && n > 0 {
		return fault.New(fault.Gate, "%s has %s", image, step.Count(n, "finding")).WithFix("each finding says what to do")
	}
	return nil
}

// look reads an image. A relative path counts from the command's folder.
func (s *session) look(ctx context.Context, image string, o inspect.Options) (*inspect.Report, error) {
	o.Dir = s.Dir
	source, err := inspect.Open(ctx, image, o)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return source.Inspect(ctx)
}

func (s *session) printJudgement(j *inspect.Judgement, asJSON bool) error {
	if !asJSON {
		return j.Text(s.Stdout)
	}
	enc := json.NewEncoder(s.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(j)
}
