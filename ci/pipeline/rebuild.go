package pipeline

import (
	"context"
	"strings"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// Rebuild builds the image of a recorded plan again from the source folder. An error of
// kind Gate says that this source does not give that plan.
func (p *Pipeline) Rebuild(ctx context.Context, said Said, recorded plan.Image) (*Built, error) {
	own := *p
	own.Answer = false // what is rebuilt is to be a proof
	b, err := own.Build(ctx, func(file *config.File) (*config.Said, error) {
		all, err := said(file)
		if err == nil {
			all.Recorded(recorded)
			all.CacheFrom, all.CacheTo = "", ""
		}
		return all, err
	})
	if err != nil {
		return nil, err
	}
	if n := len(b.Images); n != 1 {
		return nil, fault.New(fault.Gate, "the source makes %d images of the recorded plan of one", n).WithFix("rebuild with the Slipway that published it")
	}
	if fields := recorded.Differences(b.Images[0].Plan); len(fields) > 0 {
		return nil, fault.New(fault.Gate, "the recorded plan of %s does not follow from this source: they differ in %s", recorded.Name, strings.Join(fields, ", ")).
			WithFix("rebuild from the recorded commit, with the same flags that say files, and the Slipway that published it")
	}
	return b, nil
}
