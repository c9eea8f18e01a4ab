package dagger

import (
	"context"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// Scan is not there yet.
func (e *Engine) Scan(context.Context, engine.Scan, step.Step) (engine.Scanned, error) {
	return engine.Scanned{}, fault.New(fault.Unjudged, "not yet")
}

// Reach is not there yet.
func (e *Engine) Reach(context.Context, engine.Reach, step.Step) ([]byte, error) {
	return nil, fault.New(fault.Unjudged, "not yet")
}

// Smoke is not there yet.
func (e *Engine) Smoke(context.Context, engine.Smoke, step.Step) (engine.Smoked, error) {
	return engine.Smoked{}, fault.New(fault.Unjudged, "not yet")
}
