package actions

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rhysd/actionlint"
)

// called reads a workflow that a job calls: one of the same commit, or one out of a
// folder that stands for another repository.
func (i *instance) called(ctx context.Context, uses string) (*actionlint.Workflow, error) {
	if strings.Count(i.prefix, "/") >= 4 {
		return nil, errCalls
	}
	path, local := strings.CutPrefix(uses, "./")
	if local && !strings.HasPrefix(i.file, "./") && i.prefix != "" {
		// Beside a workflow of another repository lie the other ones of that repository.
		repository, _ := split(i.file)
		return i.foreign(repository, path)
	}
	if !local {
		repository, rest := split(uses)
		return i.foreign(repository, rest)
	}
	raw, err := git(context.WithoutCancel(ctx), i.Source, "show", i.event.SHA+":"+path)
	if err != nil {
		return nil, err
	}
	return readWorkflow(path, []byte(raw))
}

func (i *instance) foreign(repository, path string) (*actionlint.Workflow, error) {
	dir, ok := i.Actions[repository]
	if !ok {
		return nil, fmt.Errorf("uses: no folder stands for %s", repository)
	}
	raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	return readWorkflow(path, raw)
}

// split cuts OWNER/REPO/PATH@REF into repository and path.
func split(uses string) (repository, path string) {
	whole, _, _ := strings.Cut(uses, "@")
	parts := strings.SplitN(whole, "/", 3)
	repository = strings.Join(parts[:min(2, len(parts))], "/")
	if len(parts) == 3 {
		path = parts[2]
	}
	return repository, path
}

// callInputs are what a job passes to a workflow, each of the type that it is declared.
func callInputs(on *actionlint.WorkflowCallEvent, call *actionlint.WorkflowCall, s scope) (*object, error) {
	inputs := newObject("inputs", true)
	left := maps.Clone(call.Inputs)
	for _, declared := range on.Inputs {
		given, ok := call.Inputs[declared.ID]
		delete(left, declared.ID)
		template := value(declared.Default)
		if ok {
			template = given.Value.Value
		} else if declared.IsRequired() {
			return nil, fmt.Errorf("with: the input %s is required", declared.ID)
		}
		v, err := s.only("github", "needs", "vars", "inputs").value(template)
		if err != nil {
			return nil, fmt.Errorf("with: %s: %w", declared.ID, err)
		}
		kind := map[actionlint.WorkflowCallEventInputType]string{
			actionlint.WorkflowCallEventInputTypeBoolean: "boolean", actionlint.WorkflowCallEventInputTypeNumber: "number",
		}[declared.Type]
		if v, err = typed(v, kind); err != nil {
			return nil, fmt.Errorf("with: %s: %w", declared.ID, err)
		}
		inputs.set(declared.ID, v)
	}
	for name := range left {
		return nil, fmt.Errorf("with: the called workflow has no input %s", name)
	}
	return inputs, nil
}

// callSecrets are the secrets that a called workflow gets. The token is always one.
func (i *instance) callSecrets(on *actionlint.WorkflowCallEvent, call *actionlint.WorkflowCall, s scope) (map[string]string, error) {
	if call.InheritSecrets {
		return i.secrets, nil
	}
	all := map[string]string{"GITHUB_TOKEN": i.token}
	for id, given := range call.Secrets {
		declared := on.Secrets[id]
		if declared == nil {
			return nil, fmt.Errorf("secrets: the called workflow has no secret %s", id)
		}
		secret, err := s.only("github", "needs", "vars", "inputs", "secrets").fill(given.Value.Value)
		if err != nil {
			return nil, fmt.Errorf("secrets: %s: %w", id, err)
		}
		if secret != "" {
			all[declared.Name.Value] = secret
		}
	}
	for id, declared := range on.Secrets {
		if declared.Required != nil && declared.Required.Value && call.Secrets[id] == nil {
			return nil, fmt.Errorf("secrets: the secret %s is required", id)
		}
	}
	return all, nil
}

// dispatchInputs are those of a run that a person started by hand. For another event
// there is nothing in them, not even by their names.
func dispatchInputs(workflow *actionlint.Workflow, e Event) (*object, error) {
	inputs := newObject("inputs", false)
	for _, on := range workflow.On {
		dispatch, ok := on.(*actionlint.WorkflowDispatchEvent)
		if !ok {
			continue
		}
		given, _ := e.Payload["inputs"].(map[string]any)
		for name := range given {
			if dispatch.Inputs[strings.ToLower(name)] == nil {
				return nil, fmt.Errorf("workflow_dispatch: there is no input %s", name)
			}
		}
		inputs.closed = true
		for id, declared := range dispatch.Inputs {
			inputs.set(id, nil)
			if e.Name != "workflow_dispatch" {
				continue
			}
			v, ok := given[declared.Name.Value]
			if !ok {
				v = value(declared.Default)
			}
			if s, text := v.(string); text && len(declared.Options) > 0 && !slices.Contains(values(declared.Options), s) {
				return nil, fmt.Errorf("workflow_dispatch: %s is no option of %s", s, id)
			}
			kind := map[actionlint.WorkflowDispatchEventInputType]string{
				actionlint.WorkflowDispatchEventInputTypeBoolean: "boolean", actionlint.WorkflowDispatchEventInputTypeNumber: "number",
			}[declared.Type]
			v, err := typed(v, kind)
			if err != nil {
				return nil, fmt.Errorf("workflow_dispatch: %s: %w", id, err)
			}
			inputs.set(id, v)
		}
	}
	return inputs, nil
}

// typed makes a value one of a type of inputs. What is empty is the type's zero.
func typed(v any, kind string) (any, error) {
	s := text(v)
	switch kind {
	case "boolean":
		if s == "" {
			return false, nil
		}
		return strconv.ParseBool(s)
	case "number":
		if s == "" {
			return 0.0, nil
		}
		return strconv.ParseFloat(s, 64)
	}
	return s, nil
}
