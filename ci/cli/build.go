package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/container"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

func (s *session) buildVerb() *cobra.Command {
	var load bool
	var archive string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build the image and write it as an OCI layout",
		Long: "Build makes the image for every platform and writes it as an OCI layout. It prints\n" +
			"the digest of the image's index on stdout, and everything else on stderr.",
	}
	flags := config.Bind(cmd.Flags())
	cmd.Flags().BoolVar(&load, "load", false, "load the image of this machine's platform into docker or podman")
	cmd.Flags().StringVar(&archive, "tarball", "", "write the image of this machine's platform as an archive for docker load and podman load")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return s.build(cmd.Context(), flags, load, archive) }
	return cmd
}

func (s *session) build(ctx context.Context, flags *config.Flags, load bool, archive string) error {
	p, err := s.pipeline()
	if err != nil {
		return err
	}
	p.BuiltinBase = true
	target := container.HostPlatform()
	var rt *container.Runtime
	if load {
		if rt, err = s.runtime(ctx); err != nil {
			return err
		}
		target = rt.Platform
	}
	b, err := p.Build(ctx, s.said(flags))
	if err != nil {
		return err
	}
	var img v1.Image
	if load || archive != "" {
		if img, err = pick(b, target); err != nil {
			return err
		}
	}
	if err := s.write(b); err != nil {
		return err
	}
	if archive != "" {
		if err := s.archive(s.path(archive), b, img); err != nil {
			return err
		}
	}
	if load {
		if err := s.load(ctx, rt, b, img); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.Stdout, b.Index.Digest)
	return nil
}

// pick finds the image that a runtime on this machine can run.
func pick(b *pipeline.Built, target plan.Platform) (v1.Image, error) {
	for _, img := range b.Index.Images {
		if img.Platform == target {
			return img.Image, nil
		}
	}
	return nil, fault.New(fault.Usage, "this machine runs %s, which is not among the platforms that were built", target).
		WithFix("add --platform %s", target)
}

func (s *session) write(b *pipeline.Built) error {
	return report(s.screen(), "write", func() (string, error) {
		dir := b.Plan.Run.Output
		if err := output.Layout(dir, b.Plan.Tag(b.Builtin), b.Index); err != nil {
			return "", unwritable(err)
		}
		return s.relative(dir), nil
	})
}

func (s *session) archive(file string, b *pipeline.Built, img v1.Image) error {
	return report(s.screen(), "archive", func() (string, error) {
		tag, err := name.NewTag(b.Plan.Tag(b.Builtin))
		if err != nil {
			return "", fmt.Errorf("naming the image: %w", err)
		}
		if err := output.Archive(file, tag, img); err != nil {
			return "", unwritable(err)
		}
		return s.relative(file) + " as " + tag.String(), nil
	})
}

// load goes through an archive, the one form that every version of both runtimes reads.
func (s *session) load(ctx context.Context, rt *container.Runtime, b *pipeline.Built, img v1.Image) error {
	return report(s.screen(), "load", func() (string, error) {
		dir, err := os.MkdirTemp("", "slipway-*")
		if err != nil {
			return "", unwritable(err)
		}
		defer os.RemoveAll(dir)
		tag, err := name.NewTag(b.Plan.Tag(b.Builtin))
		if err != nil {
			return "", fmt.Errorf("naming the image: %w", err)
		}
		file := filepath.Join(dir, "image.tar")
		if err := output.Archive(file, tag, img); err != nil {
			return "", unwritable(err)
		}
		if err := rt.Load(ctx, file); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s has %s", rt.Name, tag), nil
	})
}

// report runs one step of a verb.
func report(r step.Reporter, title string, run func() (string, error)) error {
	s := r.Start(title)
	summary, err := run()
	if err != nil {
		s.Fail(err)
		return err
	}
	s.Done(summary)
	return nil
}

// unwritable says what a user can do about a disk that is full or read-only.
func unwritable(err error) error {
	return fault.New(fault.Usage, "%v", err).WithFix("make room or name another place; what was there before is still whole").WithCause(err)
}

func (s *session) relative(file string) string {
	if rel, err := filepath.Rel(s.Dir, file); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return file
}
