package local

import (
	"context"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/plan"
)

// Platform is this machine's, or that of Linux containers on it.
func (e *Engine) Platform(context.Context) (plan.Platform, error) {
	return container.HostPlatform(), nil
}
