package local

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/trial"
	"example.com/slipway/ci/trial/runner"
)

// Smoke tries an image in docker or podman. Where neither answers, it tries the image's
// program by itself.
func (e *Engine) Smoke(ctx context.Context, sm engine.Smoke, _ step.Step) (engine.Smoked, error) {
	t, err := trial.Of(sm)
	if err != nil {
		return engine.Smoked{}, err
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(e.user)) {
		env = append(env, name+"="+e.user[name])
	}
	rt, err := container.Find(ctx, env)
	switch {
	case ctx.Err() != nil:
		return engine.Smoked{}, context.Cause(ctx)
	case err == nil:
		return contained(ctx, rt, sm, t)
	case e.user["SLIPWAY_RUNTIME"] != "":
		return engine.Smoked{}, unjudged(err)
	case runtime.GOOS != "linux" || container.HostPlatform() != sm.Platform:
		return engine.Smoked{}, trial.Unjudged("no container runtime answers, and %s/%s does not run programs of %s", runtime.GOOS, runtime.GOARCH, sm.Platform)
	}
	return bare(ctx, sm, t)
}

// unstartable is the error of a runtime that could not start the program itself, or nil:
// the codes 126 and 127 also stand for what the runtime may not do on this machine.
func unstartable(err error, program string) *fault.Error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	told, said := errors.AsType[*fault.Error](err)
	if !ok || !said || exit.ExitCode() != 126 && exit.ExitCode() != 127 {
		return nil
	}
	if !slices.ContainsFunc(told.Detail, func(line string) bool { return strings.Contains(line, program) }) {
		return nil
	}
	return fault.New(fault.Gate, "the program %s cannot be started", program).WithDetail(told.Detail...).WithCause(err)
}

// unjudged says of trouble with a container runtime that it is no judgement.
func unjudged(err error) error {
	told, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	other := *told
	other.Kind = fault.Unjudged
	return &other
}

// late is a context for cleaning up after ctx has ended.
func late(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// contained tries an image in a container runtime, and leaves nothing there.
func contained(ctx context.Context, rt *container.Runtime, sm engine.Smoke, t runner.Trial) (engine.Smoked, error) {
	if rt.Platform != sm.Platform {
		return engine.Smoked{}, trial.Unjudged("%s runs %s, and the image is for %s", rt.Name, rt.Platform, sm.Platform)
	}
	defer func() {
		ctx, cancel := late(ctx)
		defer cancel()
		rt.Remove(ctx, sm.Tag)
	}()
	if err := rt.Load(ctx, sm.Archive); ctx.Err() != nil {
		return engine.Smoked{}, context.Cause(ctx)
	} else if err != nil {
		return engine.Smoked{}, unjudged(err)
	}
	c, err := rt.Start(ctx, container.Spec{
		Image: sm.Tag, Ports: sm.Config.Ports, Args: sm.Args, Env: sm.Env, Capabilities: sm.Capabilities, Kept: true,
	})
	if told := unstartable(err, t.Argv[0]); told != nil {
		return engine.Smoked{}, told.WithFix("see that it is a static program for %s, executable for every user", sm.Platform)
	}
	if ctx.Err() != nil && err != nil {
		return engine.Smoked{}, context.Cause(ctx)
	} else if err != nil {
		return engine.Smoked{}, unjudged(err)
	}
	s := newSubject(ctx, c, t.Signal.Name)
	defer func() {
		ctx, cancel := late(ctx)
		defer cancel()
		s.remove(ctx)
	}()
	report, err := runner.Try(ctx, t, s)
	if ctx.Err() != nil {
		return engine.Smoked{}, context.Cause(ctx)
	}
	if err = errors.Join(err, s.trouble()); err != nil {
		return engine.Smoked{}, unjudged(err)
	}
	return trial.Judge(report, "in "+rt.Name)
}
