package pipeline

import (
	"context"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/plan"
)

// Prepare readies the pinned Go release for the source folder, for work by hand: it
// returns the engine, which the caller closes, and the builder.
func (p *Pipeline) Prepare(ctx context.Context, said Said) (engine.Engine, plan.Pin, error) {
	b, err := p.begin(ctx, said)
	if err != nil {
		return nil, plan.Pin{}, err
	}
	if err := p.toolchain(ctx, b); err != nil {
		_ = b.engine.Close()
		return nil, plan.Pin{}, err
	}
	return b.engine, b.Plan.Image.Builder, nil
}
