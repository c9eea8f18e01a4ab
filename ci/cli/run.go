package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/container"
	"example.com/slipway/ci/fault"
)

func (s *session) runVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [-- ARGUMENT...]",
		Short: "Build the image for this machine and start it",
		Long: "Run builds the image for this machine, loads it into docker or podman and starts it\n" +
			"with a read-only root, without capabilities and without new privileges. It prints\n" +
			"the address of the first port on stdout and stops the container on Ctrl-C.",
		Args: cobra.ArbitraryArgs,
	}
	flags := config.Bind(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), flags, args) }
	return cmd
}

func (s *session) run(ctx context.Context, flags *config.Flags, args []string) error {
	rt, err := s.runtime(ctx)
	if err != nil {
		return err
	}
	p, err := s.pipeline()
	if err != nil {
		return err
	}
	p.BuiltinBase, p.Answer = true, true
	said := func(file *config.File) (*config.Said, error) {
		all, err := s.said(flags)(file)
		if err == nil {
			all.Platform = []string{rt.Platform.String()}
		}
		return all, err
	}
	b, err := p.Build(ctx, said)
	if err != nil {
		return err
	}
	if len(b.Images) > 1 {
		return fault.New(fault.Usage, "run starts one image, there are %d", len(b.Images)).WithFix("choose one with --main")
	}
	made := b.Images[0]
	img, err := pick(made, rt.Platform)
	if err != nil {
		return err
	}
	tag := config.Tag(made.Plan, b.Builtin)
	if err := s.load(ctx, rt, tag, img); err != nil {
		return err
	}
	c, err := rt.Start(ctx, container.Spec{Image: tag, Ports: made.Plan.Config.Ports, Args: args})
	if err != nil {
		return err
	}
	// The container ends with the command, however the command ends.
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		c.Stop(late)
	}()
	ui := s.screen()
	if c.Address == "" {
		ui.Note("no port is known: --port or port in .slipway.yaml says what the program listens on")
	} else if err := c.WaitForPort(ctx, 30*time.Second); err != nil {
		return err
	} else {
		fmt.Fprintf(s.Stdout, "http://%s\n", c.Address)
	}
	return c.Follow(ctx, s.Stderr)
}

func (s *session) runtime(ctx context.Context) (*container.Runtime, error) {
	return container.Find(ctx, s.Env)
}
