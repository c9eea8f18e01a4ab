package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v4"
)

// definition is an action.yml.
type definition struct {
	Name, Description, Author string
	Branding                  map[string]string
	Inputs                    map[string]struct {
		Description, Default string
		Required             bool
		DeprecationMessage   string `yaml:"deprecationMessage"`
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps yaml.Node
	}
	steps []*actionlint.Step
}

// readAction reads the action in a folder.
func readAction(dir string) (*definition, error) {
	var raw []byte
	var err error
	for _, name := range []string{"action.yml", "action.yaml"} {
		if raw, err = os.ReadFile(filepath.Join(dir, name)); err == nil {
			break
		}
	}
	if err != nil {
		return nil, failed("Can't find 'action.yml' or 'action.yaml' under '%s'. Did you forget to run actions/checkout before running your local action?", dir)
	}
	var d definition
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if d.Runs.Using != "composite" {
		return nil, fmt.Errorf("%s: only composite actions are known here", dir)
	}
	d.steps, err = parseSteps(d.Runs.Steps)
	if err == nil {
		err = checkSteps(d.steps)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &d, nil
}

// parseSteps reads the steps of an action as those of a job: they are written alike.
func parseSteps(steps yaml.Node) ([]*actionlint.Step, error) {
	job := map[string]any{"runs-on": "ubuntu-latest", "steps": &steps}
	raw, err := yaml.Marshal(map[string]any{"on": "push", "jobs": map[string]any{"action": job}})
	if err != nil {
		return nil, err
	}
	workflow, found := actionlint.Parse(raw)
	for _, e := range found {
		return nil, fmt.Errorf("steps: %s", e.Message)
	}
	return workflow.Jobs["action"].Steps, nil
}

// composite runs the steps of an action.
func (t *turn) composite(ctx context.Context, dir, repository, ref string) error {
	if t.depth >= 9 {
		return errors.New("actions use each other more than nine deep")
	}
	d, err := readAction(dir)
	if err != nil {
		return err
	}
	github := newObject("github", true)
	github.values = maps.Clone(t.github.values)
	github.set("action_path", dir).set("action_repository", repository).set("action_ref", ref)
	inner := &frame{
		job: t.job, action: true, github: github, env: t.env, root: t.root, status: Success,
		steps: newObject("steps", true), depth: t.depth + 1,
	}
	if inner.inputs, err = t.inputsOf(d, github); err != nil {
		return err
	}
	err = inner.all(ctx, d.steps)
	t.step.Steps = inner.done
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.Outputs)) {
		if t.step.Outputs[name], err = inner.scope(nil).withoutStatus().fill(d.Outputs[name].Value); err != nil {
			return fmt.Errorf("outputs: %s: %w", name, err)
		}
	}
	if inner.status == Failure {
		t.log.failed = true
	}
	return nil
}

// inputsOf are the inputs that an action gets, its defaults among them.
func (t *turn) inputsOf(d *definition, github *object) (*object, error) {
	inputs := newObject("inputs", true)
	defaults := scope{contexts: map[string]any{"github": github, "runner": t.runnerContext()}}
	left := maps.Clone(t.step.With)
	for name, declared := range d.Inputs {
		key := strings.ToLower(name)
		given, ok := t.step.With[key]
		delete(left, key)
		if !ok {
			if declared.Required && declared.Default == "" {
				t.log.violation("%s: the input %s is required", t.step.Name, name)
			}
			var err error
			if given, err = defaults.fill(declared.Default); err != nil {
				return nil, fmt.Errorf("inputs: %s: %w", name, err)
			}
		}
		inputs.set(name, given)
	}
	for name := range left {
		return nil, fmt.Errorf("with: the action has no input %s", name)
	}
	return inputs, nil
}
