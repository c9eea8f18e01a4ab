package dagger

import (
	"context"

	"example.com/slipway/ci/plan"
)

// Platform is the engine's own.
func (e *Engine) Platform(ctx context.Context) (plan.Platform, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.connect(ctx); err != nil {
		return plan.Platform{}, err
	}
	said, err := e.client.DefaultPlatform(ctx)
	if err != nil {
		return plan.Platform{}, e.trouble(ctx, err)
	}
	return plan.ParsePlatform(string(said))
}
