package pipeline

import (
	"context"

	"example.com/slipway/ci/engine"
)

// Prepare readies the pinned Go release for the source folder, for work by hand: it
// returns the engine, which the caller closes.
func (p *Pipeline) Prepare(ctx context.Context, said Said) (engine.Engine, error) {
	b, err := p.begin(ctx, said)
	if err != nil {
		return nil, err
	}
	if err := p.toolchain(ctx, b); err != nil {
		_ = b.engine.Close()
		return nil, err
	}
	return b.engine, nil
}
