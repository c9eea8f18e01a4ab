package actions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/rhysd/actionlint"
)

// frame runs a list of steps: those of a job, or those of a composite action in it.
type frame struct {
	*job
	// action is set for the steps of an action, which see less.
	action bool
	inputs *object
	github *object
	// env is what a step that uses the action set for it.
	env map[string]string
	// root is the job's step that the action is.
	root   *Step
	steps  *object
	done   []*Step
	status string
	depth  int
}

// failure is an error that fails the step, as it would on GitHub. Any other says that
// the simulation cannot go on.
type failure struct{ error }

func failed(format string, args ...any) error { return failure{fmt.Errorf(format, args...)} }

// scope is what expressions of steps see, with the variables of one step.
func (f *frame) scope(own map[string]string) scope {
	env := maps.Clone(f.job.env)
	maps.Copy(env, f.env)
	maps.Copy(env, own)
	contexts := map[string]any{
		"github": f.github, "inputs": f.inputs, "steps": f.steps, "runner": f.runnerContext(),
		"env": textObject("env", env), "job": f.jobContext(f.status),
	}
	if !f.action {
		for _, name := range []string{"vars", "secrets", "needs"} {
			contexts[name] = f.outer.contexts[name]
		}
	}
	status := func(function string) bool { return function == "always" || function == f.status }
	return scope{contexts, status, f.hash}
}

// hash is what hashFiles gives: a sum of the sums of files, or nothing without files.
func (f *frame) hash(patterns []string) (string, error) {
	found, _, err := search(f.result.Workspace, strings.Join(patterns, "\n"), true)
	if err != nil || len(found) == 0 {
		return "", err
	}
	all := sha256.New()
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(text)
		all.Write(sum[:])
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// all runs the steps one after another. After a failure or a cancellation only those
// run that ask for it.
func (f *frame) all(ctx context.Context, list []*actionlint.Step) error {
	for n, ast := range list {
		if ctx.Err() != nil {
			f.status = Cancelled
		}
		step := &Step{ID: value(ast.ID), Outputs: map[string]string{}, With: map[string]string{}}
		f.done = append(f.done, step)
		if err := f.one(ctx, ast, step); err != nil {
			return fmt.Errorf("step %d (%s): %w", n+1, step.Name, err)
		}
		if step.Conclusion == Failure && f.status == Success {
			f.status = Failure
		}
		if step.Outcome == Cancelled {
			f.status = Cancelled
		}
		if step.ID != "" {
			f.steps.set(step.ID, newObject("steps."+step.ID, true).set("outcome", step.Outcome).
				set("conclusion", step.Conclusion).set("outputs", textObject("steps."+step.ID+".outputs", step.Outputs)))
		}
	}
	return nil
}

// one runs a step if its condition holds.
func (f *frame) one(ctx context.Context, ast *actionlint.Step, step *Step) error {
	step.Name = label(ast)
	env, err := fillEnv(ast.Env, f.scope(nil).withoutStatus())
	if err != nil {
		return err
	}
	here := f.scope(env)
	conditional := here.only("github", "inputs", "steps", "runner", "env", "job", "vars", "needs")
	conditional.status = here.status
	runs, err := conditional.holds(value(ast.If))
	if err != nil {
		return err
	}
	step.Outcome, step.Conclusion = Skipped, Skipped
	if !runs {
		return nil
	}
	here = here.withoutStatus()
	if ast.Name != nil {
		if step.Name, err = here.fill(ast.Name.Value); err != nil {
			return err
		}
	}
	limit, err := minutes(ast.TimeoutMinutes, here, 360)
	if err != nil {
		return err
	}
	keep, err := flag(ast.ContinueOnError, here)
	if err != nil {
		return err
	}
	if err := f.execute(ctx, time.Duration(limit*float64(time.Minute)), ast, step, env); err != nil {
		return err
	}
	step.Conclusion = step.Outcome
	if keep && step.Outcome == Failure {
		step.Conclusion = Success
	}
	return nil
}

// execute runs a step and judges what it came to.
func (f *frame) execute(parent context.Context, limit time.Duration, ast *actionlint.Step, step *Step, env map[string]string) error {
	if parent.Err() != nil {
		// It runs because it asked to run after a cancellation.
		late, cancel := context.WithTimeout(context.WithoutCancel(parent), cleanup)
		defer cancel()
		parent = late
	}
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	root := f.root
	if root == nil {
		root = step
	}
	out := newLog(f.mask, root, step, f.result.Workspace)
	merged := maps.Clone(f.env)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, env)
	t := &turn{frame: f, step: step, root: root, log: out, env: merged, scope: f.scope(env).withoutStatus()}
	var err error
	switch exec := ast.Exec.(type) {
	case *actionlint.ExecRun:
		err = t.script(ctx, exec)
	case *actionlint.ExecAction:
		err = t.use(ctx, exec)
	}
	var why failure
	switch {
	case errors.As(err, &why):
		out.fail("%s", why.Error())
	case err != nil:
		return err
	}
	step.Outcome = Success
	switch {
	case parent.Err() != nil:
		step.Outcome = Cancelled
	case ctx.Err() != nil:
		out.fail("The action '%s' has timed out after %v.", step.Name, limit)
		step.Outcome = Failure
	case out.failed || step.Code != 0:
		step.Outcome = Failure
	}
	return nil
}

// label is the name of a step that has none.
func label(ast *actionlint.Step) string {
	switch exec := ast.Exec.(type) {
	case *actionlint.ExecRun:
		line, _, _ := strings.Cut(strings.TrimSpace(exec.Run.Value), "\n")
		return "Run " + line
	case *actionlint.ExecAction:
		return "Run " + exec.Uses.Value
	}
	return ""
}
