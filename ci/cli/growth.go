package cli

import (
	"fmt"

	"example.com/slipway/ci/output"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/step"
)

// growth says by how much the images grew or shrank since the last build, of which
// only the sizes are read: looking into the programs, as inspect does, would double
// the time of an edit.
func growth(made pipeline.Image, dir string) []string {
	before := output.Sizes(dir)
	var texts []string
	for _, img := range made.Index.Images {
		size, known := before[img.Platform]
		if !known {
			continue
		}
		if img.Size == size {
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
