package pipeline

import (
	"context"
	"os"
	"os/user"
	"reflect"
	"runtime/debug"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/step"
)

// inspect reads every image once for two gates: what it is, and what it leaks.
func (c *check) inspect(ctx context.Context) error {
	var summary string
	var err error
	if c.wanted(finding.GateImage) || c.wanted(finding.GateLeaks) || c.Describe {
		err = step.Run(c.p.Reporter, "inspect", func(step.Step) (string, error) {
			summary, err = c.lookAll(ctx)
			return summary, err
		})
	}
	for _, name := range []string{finding.GateImage, finding.GateLeaks} {
		if err := c.judge(name, func() (string, error) { return summary, err }); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) lookAll(ctx context.Context) (summary string, err error) {
	images := 0
	for i, made := range c.b.Images {
		report, err := c.look(ctx, made)
		if err != nil {
			return "", err
		}
		c.receipt.Images[i].Inspection = report
		c.receipt.Images[i].Growth = c.growth(ctx, made, report)
		for _, f := range inspect.Judge(report, inspect.Policy{Budget: c.b.Plan.Run.Budget}) {
			if c.wanted(f.Gate()) {
				c.found(fromInspection(made.Plan.Name, f))
			}
		}
		images += len(report.Images)
	}
	return step.Count(images, "image"), nil
}

func (c *check) look(ctx context.Context, made Image) (*inspect.Report, error) {
	source, err := inspect.OfIndex(made.Index.ImageIndex, inspect.Options{Forbidden: c.forbidden(), Now: c.Now()})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return source.Inspect(ctx)
}

// forbidden are the names of this machine, none of which is in an image.
func (c *check) forbidden() []inspect.Forbidden {
	list := []inspect.Forbidden{{What: "the source folder", Text: c.b.Project.Root}, {What: "the cache folder", Text: c.p.Cache}}
	for _, kv := range c.p.Env {
		if home, ok := strings.CutPrefix(kv, "HOME="); ok {
			list = append(list, inspect.Forbidden{What: "the home folder", Text: home})
		}
	}
	if host, err := os.Hostname(); err == nil {
		list = append(list, inspect.Forbidden{What: "the host name", Text: host})
	}
	if u, err := user.Current(); err == nil {
		list = append(list, inspect.Forbidden{What: "the user name", Text: u.Username})
	}
	return list
}

// growth is counted from the image that lies in the output folder. There may be none,
// or one that cannot be read, and then nothing is known.
func (c *check) growth(ctx context.Context, made Image, now *inspect.Report) []inspect.Growth {
	dir := c.b.Layout(made)
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	source, err := inspect.Open(ctx, dir, inspect.Options{})
	if err != nil {
		return nil
	}
	defer source.Close()
	if source.Digest() == now.Digest {
		return inspect.Compare(now, now)
	}
	before, err := source.Inspect(ctx)
	if err != nil {
		return nil
	}
	return inspect.Compare(now, before)
}

func fromInspection(image string, f inspect.Finding) finding.Finding {
	return finding.Finding{
		Gate: f.Gate(), ID: f.ID, Severity: finding.Severity(f.Severity), Image: image,
		Platforms: []string{f.Platform.String()}, What: f.What, Fix: f.Fix, Paths: f.Paths,
	}
}

// version is that of this program, whose main module may be another one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if reflect.TypeFor[Pipeline]().PkgPath() == m.Path+"/ci/pipeline" {
			return m.Version
		}
	}
	return "unknown"
}
