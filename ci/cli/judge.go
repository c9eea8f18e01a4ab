package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/step"
)

// judge looks at a new image as inspect does and notes what it finds. Nothing is
// refused here: a build is for trying out, a gate stands before publishing. An
// image that is the one in the output folder already was judged when it was made.
func (s *session) judge(ctx context.Context, b *pipeline.Built, made pipeline.Image) error {
	dir := s.layoutOf(b, made)
	if output.Holds(dir, made.Index.Digest) {
		return nil
	}
	var findings []inspect.Finding
	err := report(s.screen(), "judge", func() (string, error) {
		now, err := inspectMade(ctx, made)
		if err != nil {
			return "", err
		}
		findings = inspect.Judge(now, inspect.Policy{Budget: b.Plan.Run.Budget})
		return strings.Join(append([]string{count(len(findings), "finding")}, growth(made, dir)...), ", "), nil
	})
	for _, f := range findings {
		s.screen().Note(fmt.Sprintf("%s: %s: %s", f.Platform, f.What, f.Fix))
	}
	return err
}

func inspectMade(ctx context.Context, made pipeline.Image) (*inspect.Report, error) {
	source, err := inspect.OfIndex(made.Index.ImageIndex, inspect.Options{Expect: expected(made)})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return source.Inspect(ctx)
}

// expected are exactly the files that a plan adds to its base.
func expected(made pipeline.Image) *inspect.Expect {
	e := &inspect.Expect{BaseLayers: made.BaseLayers}
	for _, f := range made.Plan.Files {
		e.Paths = append(e.Paths, f.Path)
	}
	for _, m := range made.Plan.Mains {
		e.Paths = append(e.Paths, m.Path())
	}
	return e
}

// growth says by how much the images grew or shrank since the last build, of which
// only the sizes are read.
func growth(made pipeline.Image, dir string) []string {
	before := output.Sizes(dir)
	var texts []string
	for _, img := range made.Index.Images {
		size, known := before[img.Platform]
		if !known {
			continue
		}
		by, sign := img.Size-size, "+"
		if by < 0 {
			by, sign = -by, "-"
		}
		texts = append(texts, fmt.Sprintf("%s %s%s", img.Platform, sign, step.Size(by)))
	}
	return texts
}

// layoutOf is the folder of an image. One that stands on the embedded base for want
// of the pinned one has another name.
func (s *session) layoutOf(b *pipeline.Built, made pipeline.Image) string {
	dir := filepath.Join(b.Plan.Run.Output, made.Plan.Name)
	if b.Builtin {
		dir += "." + pipeline.BuiltinName
	}
	return dir
}
