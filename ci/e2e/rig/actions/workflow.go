package actions

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// readWorkflow reads a workflow. A key that GitHub does not know is an error.
func readWorkflow(name string, raw []byte) (*actionlint.Workflow, error) {
	workflow, found := actionlint.Parse(raw)
	var all []error
	for _, e := range found {
		all = append(all, fmt.Errorf("%s:%d:%d: %s", name, e.Line, e.Column, e.Message))
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	for _, job := range workflow.Jobs {
		if err := checkJob(job); err != nil {
			return nil, fmt.Errorf("%s: job %s: %w", name, job.ID.Value, err)
		}
	}
	return workflow, nil
}

// checkJob refuses what is not simulated.
func checkJob(job *actionlint.Job) error {
	switch {
	case job.Strategy != nil:
		return errors.New("strategy is not known here")
	case job.Container != nil, job.Services != nil, job.Snapshot != nil:
		return errors.New("containers are not known here")
	case job.WorkflowCall != nil:
		return pinned(job.WorkflowCall.Uses.Value)
	case job.RunsOn == nil || !slices.ContainsFunc(job.RunsOn.Labels, func(l *actionlint.String) bool { return strings.HasPrefix(l.Value, "ubuntu-") }):
		return errors.New("only jobs on ubuntu are known here")
	}
	return checkSteps(job.Steps)
}

func checkSteps(steps []*actionlint.Step) error {
	ids := map[string]bool{}
	for _, s := range steps {
		if s.ID != nil {
			if ids[strings.ToLower(s.ID.Value)] {
				return fmt.Errorf("two steps have the ID %s", s.ID.Value)
			}
			ids[strings.ToLower(s.ID.Value)] = true
		}
		if action, ok := s.Exec.(*actionlint.ExecAction); ok {
			if err := pinned(action.Uses.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// fixed is an action or a workflow of another repository that nobody can change.
var fixed = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+(/[A-Za-z0-9._/-]+)?@[0-9a-f]{40}$`)

// pinned refuses an action that is neither of this repository nor named by its commit.
func pinned(uses string) error {
	if strings.HasPrefix(uses, "./") || fixed.MatchString(uses) {
		return nil
	}
	return fmt.Errorf("uses: %s is not pinned by a commit", uses)
}

// scopes are what permissions: may name.
var scopes = []string{
	"actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues",
	"models", "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses",
}

// permissions are those of a job: its own, else the workflow's, else what new
// repositories give, and never more than the ceiling.
func permissions(workflow, job *actionlint.Permissions, ceiling map[string]string) (map[string]string, error) {
	p := job
	if p == nil {
		p = workflow
	}
	granted := map[string]string{}
	grant := func(scope, level string) {
		if most := ceiling[scope]; most == "" || level == "none" {
			return
		} else if most == "read" {
			level = "read"
		}
		granted[scope] = level
	}
	switch {
	case p == nil:
		grant("contents", "read")
		grant("packages", "read")
	case p.All != nil:
		level, ok := strings.CutSuffix(p.All.Value, "-all")
		if !ok || level != "read" && level != "write" {
			return nil, fmt.Errorf("permissions: %s is not known here", p.All.Value)
		}
		for _, scope := range scopes {
			grant(scope, level)
		}
	default:
		for _, s := range p.Scopes {
			if !slices.Contains(scopes, s.Name.Value) {
				return nil, fmt.Errorf("permissions: there is no %s", s.Name.Value)
			}
			grant(s.Name.Value, s.Value.Value)
		}
	}
	return granted, nil
}

// concurrency evaluates a group.
func concurrency(c *actionlint.Concurrency, s scope) (Concurrency, error) {
	if c == nil {
		return Concurrency{}, nil
	}
	group, err := s.fill(c.Group.Value)
	if err != nil {
		return Concurrency{}, fmt.Errorf("concurrency: %w", err)
	}
	cancel, err := flag(c.CancelInProgress, s)
	return Concurrency{group, cancel}, err
}

// flag evaluates a key that is true or false.
func flag(b *actionlint.Bool, s scope) (bool, error) {
	if b == nil || b.Expression == nil {
		return b != nil && b.Value, nil
	}
	value, err := s.value(b.Expression.Value)
	if err != nil {
		return false, err
	}
	set, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%s is %q, not true or false", b.Expression.Value, text(value))
	}
	return set, nil
}

// minutes evaluates a limit of time; without one there is fallback.
func minutes(f *actionlint.Float, s scope, fallback float64) (float64, error) {
	if f == nil {
		return fallback, nil
	}
	if f.Expression == nil {
		return f.Value, nil
	}
	value, err := s.value(f.Expression.Value)
	if n := number(value); err == nil && n > 0 {
		return n, nil
	}
	return 0, errors.Join(err, fmt.Errorf("timeout-minutes: %s is not a number", f.Expression.Value))
}

// fillEnv evaluates env:.
func fillEnv(env *actionlint.Env, s scope) (map[string]string, error) {
	filled := map[string]string{}
	if env == nil {
		return filled, nil
	}
	if env.Expression != nil {
		return nil, errors.New("env: an expression for all of it is not known here")
	}
	for _, key := range slices.Sorted(maps.Keys(env.Vars)) {
		v := env.Vars[key]
		value, err := s.fill(v.Value.Value)
		if err != nil {
			return nil, fmt.Errorf("env: %s: %w", v.Name.Value, err)
		}
		filled[v.Name.Value] = value
	}
	return filled, nil
}

// ordered are the jobs of a workflow, those that others need first.
func ordered(workflow *actionlint.Workflow) ([]*actionlint.Job, error) {
	var all []*actionlint.Job
	done, entered := map[string]bool{}, map[string]bool{}
	var visit func(id string) error
	visit = func(id string) error {
		job := workflow.Jobs[strings.ToLower(id)]
		if job == nil {
			return fmt.Errorf("needs: there is no job %s", id)
		}
		if done[id] {
			return nil
		}
		if entered[id] {
			return fmt.Errorf("needs: job %s needs itself", id)
		}
		entered[id] = true
		for _, need := range job.Needs {
			if err := visit(need.Value); err != nil {
				return err
			}
		}
		done[id] = true
		all = append(all, job)
		return nil
	}
	// Those that stand first in the file run first.
	ids := slices.SortedFunc(maps.Keys(workflow.Jobs), func(a, b string) int { return workflow.Jobs[a].Pos.Line - workflow.Jobs[b].Pos.Line })
	for _, id := range ids {
		if err := visit(workflow.Jobs[id].ID.Value); err != nil {
			return nil, err
		}
	}
	return all, nil
}
