package cli

import (
	"context"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/engine/native"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// engine makes the engine that a run asks for. Where it asks for none, a Dagger engine
// at hand is taken, else the local one; why is printed behind its name.
func (s *session) engine(ctx context.Context, run plan.Run) (chosen engine.Engine, why string, err error) {
	cache, err := s.cacheDir()
	if err != nil {
		return nil, "", err
	}
	if run.Engine == "local" {
		return local.New(local.Options{Env: s.Env, Cache: cache}), "", nil
	}
	where, found := s.daggerEngine(ctx, run, cache)
	switch {
	case found:
		return dagger.New(dagger.Options{Env: s.Env, Cache: cache, Where: where}), ": " + where.Why, nil
	case run.Engine == "dagger":
		return nil, "", fault.New(fault.Engine, "there is no Dagger engine: none is named, none runs here, and no container runtime answers that could start one").
			WithFix("name one with --engine-host, start docker or podman, or run slipway engine up; --engine local needs none")
	}
	return local.New(local.Options{Env: s.Env, Cache: cache}), ": no Dagger engine is at hand", nil
}

// daggerEngine looks for a Dagger engine: one that somebody named, one that Slipway
// started on this machine, or a container runtime that can start one. A machine
// without the dagger command has never used Dagger; fetching all of it takes minutes,
// which auto does not do uninvited.
func (s *session) daggerEngine(ctx context.Context, run plan.Run, cache string) (dagger.Where, bool) {
	if run.EngineHost != "" {
		return dagger.Where{Host: run.EngineHost, Why: "--engine-host"}, true
	}
	if s.getenv("DAGGER_SESSION_PORT") != "" {
		return dagger.Where{Why: "the Dagger session that this runs in"}, true
	}
	if host := s.getenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST"); host != "" {
		return dagger.Where{Host: host, Why: "_EXPERIMENTAL_DAGGER_RUNNER_HOST"}, true
	}
	host := native.New(native.Options{Env: s.Env, Cache: cache})
	if e, ok := host.Find(native.DefaultName); ok {
		return dagger.Where{Host: e.Address, CLI: e.Command(), Why: "slipway engine up"}, true
	}
	if run.Engine == "auto" && s.getenv("_EXPERIMENTAL_DAGGER_CLI_BIN") == "" {
		if _, ok := dagger.OnPath(s.getenv("PATH")); !ok {
			return dagger.Where{}, false
		}
	}
	rt, err := container.Find(ctx, s.Env)
	if err != nil {
		return dagger.Where{}, false
	}
	return dagger.Where{Host: dagger.StartedBy(rt.Name), Why: rt.Name + " can start one"}, true
}
