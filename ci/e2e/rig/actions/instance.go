package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// instance is a workflow in a run: the one that the event started, or one that a job of
// another calls.
type instance struct {
	*run
	workflow *actionlint.Workflow
	file     string
	// prefix is the job that calls, and a slash.
	prefix  string
	inputs  *object
	secrets map[string]string
	// ceiling is what the tokens of its jobs may be able to do at most.
	ceiling map[string]string
	// done are the jobs that came to an end, by ID.
	done map[string]*ended
}

// ended is what of a job others can see.
type ended struct {
	result  string
	outputs *object
	needs   []string
}

// scope is what expressions outside of steps see.
func (i *instance) scope(job string) scope {
	return scope{contexts: map[string]any{
		"github": i.github(job), "inputs": i.inputs,
		"vars": textObject("vars", i.Vars), "secrets": textObject("secrets", i.secrets),
	}}
}

// jobs runs all jobs and returns what they came to.
func (i *instance) jobs(ctx context.Context) (string, error) {
	list, err := ordered(i.workflow)
	if err != nil {
		return "", err
	}
	i.done = map[string]*ended{}
	var results []string
	for _, job := range list {
		id := job.ID.Value
		needs := newObject("needs", true)
		for _, need := range job.Needs {
			e := i.done[strings.ToLower(need.Value)]
			needs.set(need.Value, newObject("needs."+need.Value, true).set("result", e.result).set("outputs", e.outputs))
		}
		e, err := i.start(ctx, job, i.scope(id).with("needs", needs))
		if err != nil {
			return "", fmt.Errorf("job %s%s: %w", i.prefix, id, err)
		}
		for _, need := range job.Needs {
			e.needs = append(append(e.needs, strings.ToLower(need.Value)), i.done[strings.ToLower(need.Value)].needs...)
		}
		i.done[strings.ToLower(id)] = e
		results = append(results, e.result)
	}
	return summary(results), nil
}

// summary is what several jobs came to together.
func summary(results []string) string {
	for _, worst := range []string{Failure, Cancelled, Success} {
		if slices.Contains(results, worst) {
			return worst
		}
	}
	return Skipped
}

// start runs one job if its condition holds.
func (i *instance) start(ctx context.Context, ast *actionlint.Job, s scope) (*ended, error) {
	s.status = i.status(ctx, ast)
	id := i.prefix + ast.ID.Value
	outputs := newObject("needs."+ast.ID.Value+".outputs", true)
	run, err := s.only("github", "needs", "vars", "inputs").holds(value(ast.If))
	if err != nil {
		return nil, err
	}
	s.status = nil
	if !run {
		for name := range ast.Outputs {
			outputs.set(name, "")
		}
		if ast.WorkflowCall != nil {
			outputs.closed = false
		}
		i.result.Jobs = append(i.result.Jobs, &Job{ID: id, Name: ast.ID.Value, Conclusion: Skipped})
		return &ended{result: Skipped, outputs: outputs}, nil
	}
	granted, err := permissions(i.workflow.Permissions, ast.Permissions, i.ceiling)
	if err != nil {
		return nil, err
	}
	if ast.WorkflowCall != nil {
		return i.call(ctx, ast, s, granted, outputs)
	}
	j, err := i.newJob(ast, s, granted)
	if err != nil {
		return nil, err
	}
	i.result.Jobs = append(i.result.Jobs, j.result)
	if err := j.run(ctx); err != nil {
		return nil, err
	}
	for name, value := range j.result.Outputs {
		outputs.set(name, value)
	}
	return &ended{result: j.result.Conclusion, outputs: outputs}, nil
}

// status answers success() and its like for the condition of a job, which looks at all
// the jobs that it needs, also through others.
func (i *instance) status(ctx context.Context, ast *actionlint.Job) func(string) bool {
	var results []string
	for _, need := range ast.Needs {
		e := i.done[strings.ToLower(need.Value)]
		results = append(results, e.result)
		for _, further := range e.needs {
			results = append(results, i.done[further].result)
		}
	}
	cancelled := ctx.Err() != nil
	return func(function string) bool {
		switch function {
		case "always":
			return true
		case "cancelled":
			return cancelled
		case "failure":
			return !cancelled && slices.Contains(results, Failure)
		}
		return !cancelled && !slices.ContainsFunc(results, func(r string) bool { return r != Success })
	}
}

// call runs the workflow that a job calls.
func (i *instance) call(ctx context.Context, ast *actionlint.Job, s scope, granted map[string]string, outputs *object) (*ended, error) {
	uses := ast.WorkflowCall.Uses.Value
	workflow, err := i.called(ctx, uses)
	if err != nil {
		return nil, err
	}
	on, ok := workflow.FindWorkflowCallEvent()
	if !ok {
		return nil, fmt.Errorf("uses: %s is not a workflow to be called", uses)
	}
	inner := &instance{run: i.run, workflow: workflow, file: uses, prefix: i.prefix + ast.ID.Value + "/", ceiling: granted}
	if inner.inputs, err = callInputs(on, ast.WorkflowCall, s); err != nil {
		return nil, err
	}
	if inner.secrets, err = i.callSecrets(on, ast.WorkflowCall, s); err != nil {
		return nil, err
	}
	if err := inner.within(granted); err != nil {
		return nil, err
	}
	result, err := inner.jobs(ctx)
	if err != nil {
		return nil, err
	}
	jobs := newObject("jobs", true)
	for id, e := range inner.done {
		jobs.set(id, newObject("jobs."+id, true).set("result", e.result).set("outputs", e.outputs))
	}
	after := inner.scope("").with("jobs", jobs).only("github", "jobs", "vars", "inputs")
	for _, name := range slices.Sorted(maps.Keys(on.Outputs)) {
		value, err := after.fill(on.Outputs[name].Value.Value)
		if err != nil {
			return nil, fmt.Errorf("outputs: %s: %w", name, err)
		}
		outputs.set(name, value)
	}
	return &ended{result: result, outputs: outputs}, nil
}

// within refuses a called workflow whose jobs ask for more than the caller has, as
// GitHub does before anything runs.
func (i *instance) within(granted map[string]string) error {
	for _, job := range i.workflow.Jobs {
		most := map[string]string{}
		for _, scope := range scopes {
			most[scope] = "write"
		}
		asked, err := permissions(i.workflow.Permissions, job.Permissions, most)
		if err != nil {
			return err
		}
		if i.workflow.Permissions == nil && job.Permissions == nil {
			continue // it takes what the caller has
		}
		for scope, level := range asked {
			if i.event.Fork || level == "read" && granted[scope] != "" || level == granted[scope] {
				continue
			}
			return fmt.Errorf("job %s of %s asks for %s: %s, which the caller does not have", job.ID.Value, i.file, scope, level)
		}
	}
	return nil
}

// value is the text of a key that may be left out.
func value(s *actionlint.String) string {
	if s == nil {
		return ""
	}
	return s.Value
}

// errCalls is for workflows that call each other without end.
var errCalls = errors.New("workflows call each other more than four deep")
