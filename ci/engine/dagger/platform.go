package dagger

import (
	"context"

	"example.com/slipway/ci/plan"
)

// Platform is the engine's own.
func (e *Engine) Platform(ctx context.Context) (plan.Platform, error) {
	client, err := e.connected(ctx)
	if err != nil {
		return plan.Platform{}, err
	}
	said, err := client.DefaultPlatform(ctx)
	if err != nil {
		return plan.Platform{}, e.trouble(ctx, err)
	}
	return plan.ParsePlatform(string(said))
}
