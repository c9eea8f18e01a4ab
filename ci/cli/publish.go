package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/receipt"
)

// publication is what the flags of publish say beyond the plan's.
type publication struct {
	pipeline.Publish
	refs string
	json bool
}

func (s *session) publishVerb() *cobra.Command {
	var p publication
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Check the image and push what passed, signed and described, tags last",
		Long: "Publish builds and judges the image as check does, and pushes those bytes to every\n" +
			"target: layers, images, index, attestations, and only then tags, latest last. A tag\n" +
			"moves when everything below it is there. Run again, it goes on where it ended.",
	}
	flags := config.Bind(cmd.Flags())
	bindChecks(cmd.Flags(), &p.Checks)
	cmd.Flags().BoolVar(&p.DryRun, "dry-run", false, "push nothing and say what would be pushed")
	cmd.Flags().BoolVar(&p.AllowDirty, "allow-dirty", false, "publish sources that differ from the commit")
	cmd.Flags().StringVar(&p.refs, "image-refs", "", "write NAME@DIGEST of every pushed image into this file, one a line")
	cmd.Flags().BoolVar(&p.json, "json", false, "print what was pushed as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.choose(cmd.Flags(), &p.Checks); err != nil {
			return err
		}
		return s.publish(cmd.Context(), flags, p)
	}
	return cmd
}

func (s *session) publish(ctx context.Context, flags *config.Flags, how publication) error {
	p, err := s.pipeline()
	if err != nil {
		return err
	}
	done, err := p.Publish(ctx, s.said(flags), how.Publish)
	if err := s.conclude(ctx, done.Checked, err); err != nil {
		return err
	}
	return s.printPublished(done, how)
}

// printPublished tells programs what to deploy.
func (s *session) printPublished(done *pipeline.Published, how publication) error {
	refs := done.References()
	if how.refs != "" && !how.DryRun {
		err := cache.Create(s.path(how.refs), func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Join(refs, "\n")+"\n")
			return err
		})
		if err != nil {
			return unwritable(err)
		}
	}
	if !how.json {
		_, err := fmt.Fprintln(s.Stdout, strings.Join(refs, "\n"))
		return err
	}
	enc := json.NewEncoder(s.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(deployments(done))
}

// deployment is one image in one repository, for what deploys it.
type deployment struct {
	Image string `json:"image"`
	// Ref is the repository with the index's digest.
	Ref        string `json:"ref"`
	Repository string `json:"repository"`
	Digest     string `json:"digest"`
	// Tags point to it.
	Tags []string `json:"tags"`
	// Platforms are the digests of the images in the index.
	Platforms map[string]string        `json:"platforms"`
	State     receipt.PublicationState `json:"state"`
}

func deployments(done *pipeline.Published) []deployment {
	list := []deployment{}
	for _, p := range done.Receipt.Run.Publications {
		d := deployment{Image: p.Image, Ref: p.Repository + "@" + p.Digest, Repository: p.Repository, Digest: p.Digest, Tags: []string{}, Platforms: map[string]string{}, State: p.State}
		for _, t := range p.Tags {
			if t.Outcome != receipt.TagKept {
				d.Tags = append(d.Tags, t.Name)
			}
		}
		for _, made := range done.Images {
			if made.Plan.Name != p.Image {
				continue
			}
			for _, one := range made.Index.Images {
				d.Platforms[one.Platform.String()] = one.Digest.String()
			}
		}
		list = append(list, d)
	}
	return list
}
