package verify

import (
	"context"
	"errors"
	"fmt"
	"os"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/verify/checkout"
)

// rebuild makes the image again from the recorded commit and compares digests. An error
// says that it could not be tried; the check is unjudged then.
func (v *verification) rebuild(ctx context.Context, origin *Origin) error {
	r := v.report
	switch {
	case v.Build == nil:
		r.skipped(CheckRebuild, "--rebuild asks for it")
		return nil
	case origin == nil:
		r.failed(CheckRebuild, "the provenance has to hold first: its check says what is wrong",
			"nothing that counts says what it was built from")
		return nil
	case origin.Plan.Dirty || origin.Commit == "":
		r.failed(CheckRebuild, "publish from a clean checkout of a commit",
			"it was built from files that are in no commit")
		return nil
	}
	dir, err := os.MkdirTemp("", "slipway-rebuild-")
	if err != nil {
		return fmt.Errorf("making a folder for the rebuild: %w", err)
	}
	defer os.RemoveAll(dir)
	err = v.again(ctx, origin, dir)
	told, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return nil
	case ok && (told.Kind == fault.Gate || told.Kind == fault.Source):
		r.failed(CheckRebuild, told.Fix, told.What)
		return nil
	}
	g := finding.Gate{Name: CheckRebuild, Outcome: finding.Unjudged, Summary: "it could not be built again"}
	if ok {
		g.Summary, g.Fix = told.What, told.Fix
	}
	r.Checks = append(r.Checks, g)
	return err
}

// again checks the commit out, builds it and compares.
func (v *verification) again(ctx context.Context, origin *Origin, dir string) error {
	request := checkout.Request{Commit: origin.Commit, Dir: v.Source, URL: origin.Source, Env: v.Env}
	if v.Unsigned {
		// A place that nobody vouches for is not asked.
		request.URL = ""
	}
	var c *checkout.Checkout
	err := step.Run(v.Reporter, "checkout", func(step.Step) (summary string, err error) {
		if c, err = checkout.Make(ctx, request, dir); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s of %s from %s", plain.Count(c.Files, "file"), origin.Commit, c.From), nil
	})
	if err != nil {
		return err
	}
	folder, err := c.Folder(origin.Plan.Module)
	if err != nil {
		return err
	}
	built, err := v.Build(ctx, folder, origin.Plan)
	if err != nil {
		return err
	}
	if built.Digest == v.chain.digest {
		v.report.passed(CheckRebuild, "the commit %s gives the same digest", origin.Commit)
		return nil
	}
	if v.report.Differences, err = v.chain.differences(ctx, built); err != nil {
		return err
	}
	wrong := []string{fmt.Sprintf("the commit %s gives %s", origin.Commit, built.Digest)}
	for _, d := range v.report.Differences {
		wrong = append(wrong, d.String())
	}
	v.report.failed(CheckRebuild, "look at the first part that differs; build again with the Slipway that published it", wrong...)
	return nil
}
