package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	var load, anew bool
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
	cmd.Flags().BoolVar(&anew, "no-record", false, "build also where an earlier run with the same inputs answers")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return s.build(cmd.Context(), flags, !anew, load, archive)
	}
	return cmd
}

func (s *session) build(ctx context.Context, flags *config.Flags, answer, load bool, archive string) error {
	p, err := s.pipeline()
	if err != nil {
		return err
	}
	p.BuiltinBase, p.Answer = true, answer
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
	if archive != "" && len(b.Images) > 1 {
		return fault.New(fault.Usage, "--tarball: an archive holds one image, there are %d", len(b.Images)).WithFix("choose one with --main, or use --load")
	}
	// What a runtime cannot run is found before anything is written.
	loadable := make([]v1.Image, len(b.Images))
	for i := range b.Images {
		if load || archive != "" {
			if loadable[i], err = pick(b.Images[i], target); err != nil {
				return err
			}
		}
	}
	if err := s.write(b); err != nil {
		return err
	}
	for i, made := range b.Images {
		if archive != "" {
			if err := s.archive(s.path(archive), config.Tag(made.Plan, b.Builtin), loadable[i]); err != nil {
				return err
			}
		}
		if load {
			if err := s.load(ctx, rt, config.Tag(made.Plan, b.Builtin), loadable[i]); err != nil {
				return err
			}
		}
	}
	s.printDigests(b)
	return nil
}

// pick finds the image that a runtime on this machine can run.
func pick(made pipeline.Image, target plan.Platform) (v1.Image, error) {
	for _, img := range made.Index.Images {
		if img.Platform == target {
			return img.Image, nil
		}
	}
	return nil, fault.New(fault.Usage, "this machine runs %s, which is not among the platforms that were built", target).
		WithFix("add --platform %s", target)
}

// write writes all images.
func (s *session) write(b *pipeline.Built) error {
	return step.Run(s.screen(), "write", func(step.Step) (string, error) {
		var grown []string
		for _, made := range b.Images {
			dir := b.Layout(made)
			by := growth(made, dir)
			if err := output.Layout(dir, config.Tag(made.Plan, b.Builtin), made.Index); err != nil {
				return "", unwritable(err)
			}
			if len(b.Images) == 1 {
				return strings.Join(append([]string{s.relative(dir)}, by...), ", "), nil
			}
			for _, text := range by {
				grown = append(grown, made.Plan.Name+" "+text)
			}
		}
		if more := len(grown) - maxGrown; more > 0 {
			grown = append(grown[:maxGrown], fmt.Sprintf("and %d more", more))
		}
		where := fmt.Sprintf("%d images in %s", len(b.Images), s.relative(b.Plan.Run.Output))
		return strings.Join(append([]string{where}, grown...), ", "), nil
	})
}

// maxGrown bounds how many of several images are said to have grown or shrunk.
const maxGrown = 4

func (s *session) archive(file, tag string, img v1.Image) error {
	return step.Run(s.screen(), "archive", func(step.Step) (string, error) {
		if err := archive(file, tag, img); err != nil {
			return "", err
		}
		return s.relative(file) + " as " + tag, nil
	})
}

func archive(file, tag string, img v1.Image) error {
	named, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	if err := output.Archive(file, named, img); err != nil {
		return unwritable(err)
	}
	return nil
}

// load goes through an archive, the one form that every version of both runtimes reads.
func (s *session) load(ctx context.Context, rt *container.Runtime, tag string, img v1.Image) error {
	return step.Run(s.screen(), "load", func(step.Step) (string, error) {
		dir, err := os.MkdirTemp("", "slipway-*")
		if err != nil {
			return "", unwritable(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "image.tar")
		if err := archive(file, tag, img); err != nil {
			return "", err
		}
		if err := rt.Load(ctx, file); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s has %s", rt.Name, tag), nil
	})
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
