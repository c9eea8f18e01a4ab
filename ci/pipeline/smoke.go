package pipeline

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/step"
)

// How long a program may take to answer and to stop.
const (
	smokeWait = 30 * time.Second
	smokeStop = 10 * time.Second
)

// smoke tries the image of the platform that the engine runs. The others are not
// emulated.
func (c *check) smoke(ctx context.Context) error {
	if off := c.b.Plan.Run.Smoke.Off; off != "" && c.wanted(finding.GateSmoke) {
		c.outcome(finding.Gate{Name: finding.GateSmoke, Outcome: finding.Skipped, Summary: off + " does not want it"})
		return nil
	}
	return c.judge(finding.GateSmoke, func() (string, error) {
		platform, err := c.b.engine.Platform(ctx)
		if err != nil {
			return "", err
		}
		units := slices.DeleteFunc(slices.Clone(c.b.units), func(u *unit) bool { return u.platform != platform })
		if len(units) == 0 {
			return "", fault.New(fault.Unjudged, "the engine runs %s, which is not among the platforms that were built", platform).
				WithFix("add --platform %s, or say smoke: false", platform)
		}
		for _, u := range units {
			err := step.Run(c.p.Reporter, "smoke "+u.name, func(s step.Step) (string, error) { return c.try(ctx, u, s) })
			if err != nil {
				return "", err
			}
		}
		return step.Count(len(units), "image") + " for " + platform.String(), nil
	})
}

// try starts the image of one unit.
func (c *check) try(ctx context.Context, u *unit, s step.Step) (string, error) {
	img, err := c.b.imageOf(u)
	if err != nil {
		return "", err
	}
	// A name of its own: no image of the user's is replaced, and no other check removes it.
	tag, err := name.NewTag("localhost/slipway-check/" + u.image.Name + ":" + strings.ToLower(rand.Text()))
	if err != nil {
		return "", fmt.Errorf("naming the image: %w", err)
	}
	archive := c.layout(u) + ".tar"
	if err := output.Archive(archive, tag, img.Image); err != nil {
		return "", err
	}
	went, err := c.b.engine.Smoke(ctx, engine.Smoke{
		Platform: u.platform, Archive: archive, Tag: tag.String(), Entrypoint: u.image.Entrypoint()[0], Binary: u.result.Binaries[0],
		Config: u.image.Config, Capabilities: u.image.Capabilities, Smoke: c.b.Plan.Run.Smoke, Wait: smokeWait, StopWithin: smokeStop,
	}, s)
	if err != nil {
		return "", err
	}
	c.receipt.Run.Smoke = append(c.receipt.Run.Smoke, u.name+": "+went.How)
	return fmt.Sprintf("up after %s, stopped after %s, %s", went.Ready.Round(time.Millisecond), went.Stopped.Round(time.Millisecond), went.How), nil
}
