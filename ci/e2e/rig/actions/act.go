package actions

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// usesLine finds the actions of other repositories in a workflow or an action.
var usesLine = regexp.MustCompile(`(?m)^[\s-]*uses:\s*["']?([A-Za-z0-9][^\s"'@]+)@([0-9a-f]{40})`)

// Act runs one job with nektos/act on this machine, without containers and network, as a
// second opinion. Actions of other repositories do nothing there, but setup-go puts Go
// first. It knows less than this package: no permissions, no token of its own, no
// pull request's merge commit, no limit to annotations, no artifacts.
func (r *Runner) Act(ctx context.Context, program, job string, event Event) (*Job, error) {
	base := filepath.Join(r.Work, "act")
	dir := filepath.Join(base, path.Base(r.Repository))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"remote", "add", "origin", "https://github.com/" + r.Repository},
		{"-c", "protocol.version=2", "fetch", "--quiet", "file://" + r.Source, "+refs/tags/*:refs/tags/*", event.SHA},
		{"checkout", "--quiet", "--detach", event.SHA},
	} {
		if _, err := git(ctx, dir, args...); err != nil {
			return nil, err
		}
	}
	args, err := r.actArgs(ctx, base, dir, job, event)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + filepath.Join(base, "home"), "LANG=C.UTF-8", "PATH=" + strings.Join(append(slices.Clone(r.Path), system), ":")}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	result, readErr := readAct(out)
	if readErr == nil && result.Conclusion == "" {
		readErr = fmt.Errorf("act ran no job %s: %s", job, exit.Stderr)
	}
	return result, readErr
}

// actArgs are the arguments for a run that touches nothing but its own folder.
func (r *Runner) actArgs(ctx context.Context, base, dir, job string, event Event) ([]string, error) {
	payload, err := json.Marshal(event.Payload)
	if err != nil {
		return nil, err
	}
	eventFile := filepath.Join(base, "event.json")
	if err := os.WriteFile(eventFile, payload, 0o644); err != nil {
		return nil, err
	}
	args := []string{
		event.Name, "--json", "--job", job, "--workflows", filepath.FromSlash(r.Workflow), "--eventpath", eventFile, "--actor", event.Actor,
		"--platform", "ubuntu-24.04=-self-hosted", "--platform", "ubuntu-latest=-self-hosted",
		"--container-daemon-socket", "-", "--action-offline-mode", "--no-cache-server",
		"--env-file", os.DevNull, "--secret-file", os.DevNull, "--var-file", os.DevNull, "--input-file", os.DevNull,
	}
	for _, kv := range r.Env {
		args = append(args, "--env", kv)
	}
	for name, value := range r.Vars {
		args = append(args, "--var", name+"="+value)
	}
	return r.actActions(ctx, args, base, dir)
}

// actActions adds the folders that stand for actions of other repositories.
func (r *Runner) actActions(ctx context.Context, args []string, base, dir string) ([]string, error) {
	bin := r.Go
	if bin == "" {
		root, err := goroot(ctx)
		if err != nil {
			return nil, err
		}
		bin = filepath.Join(root, "bin")
	}
	for _, file := range []string{filepath.FromSlash(r.Workflow), "action.yml"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, found := range usesLine.FindAllStringSubmatch(string(text), -1) {
			repository, sub := split(found[1])
			folder, ok := r.Actions[repository]
			if !ok {
				folder = filepath.Join(base, "actions", strings.ReplaceAll(repository, "/", "."))
				if err := writeStandIn(filepath.Join(folder, filepath.FromSlash(sub)), strings.TrimSuffix(repository+"/"+sub, "/"), bin); err != nil {
					return nil, err
				}
			}
			args = append(args, "--local-repository", repository+"@"+found[2]+"="+folder)
		}
	}
	return args, nil
}

// writeStandIn writes a composite action that takes the inputs of one that is known.
func writeStandIn(dir, name, bin string) error {
	known, ok := builtins[name]
	if !ok {
		return fmt.Errorf("the action %s is not known here, and no folder stands for it", name)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "name: %s\ndescription: A stand-in\ninputs:\n", path.Base(name))
	for _, input := range known.inputs {
		fmt.Fprintf(&text, "  %s: {description: x}\n", input)
	}
	text.WriteString("runs:\n  using: composite\n  steps:\n    - shell: bash\n")
	if name == "actions/setup-go" {
		fmt.Fprintf(&text, "      env: {BIN: %q}\n      run: echo \"$BIN\" >> \"$GITHUB_PATH\"\n", bin)
	} else {
		text.WriteString("      run: 'true'\n")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "action.yml"), []byte(text.String()), 0o644)
}

// readAct reads what act --json prints: one object a line, those of a step in no order
// of their own.
func readAct(out []byte) (*Job, error) {
	job := &Job{Outputs: map[string]string{}}
	steps := map[string]*Step{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var l struct {
			JobID, JobResult, Stage, Step, StepResult string
			StepID                                    []string
			Msg, Command, Name, Arg, Content          string
			KvPairs                                   map[string]string
			Raw                                       bool `json:"raw_output"`
		}
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.JobID == "" {
			continue // not a line about a job
		}
		job.ID, job.Conclusion = l.JobID, cmp.Or(l.JobResult, job.Conclusion)
		if l.Stage != "Main" || len(l.StepID) != 1 {
			continue
		}
		s, ok := steps[l.StepID[0]]
		if !ok {
			s = &Step{ID: l.StepID[0], Name: l.Step, Outputs: map[string]string{}}
			steps[s.ID] = s
			job.Steps = append(job.Steps, s)
		}
		s.Outcome = cmp.Or(l.StepResult, s.Outcome)
		switch {
		case l.Command == "set-output":
			s.Outputs[l.Name] = l.Arg
		case l.Command == "summary":
			s.Summary = l.Content
		case slices.Contains([]string{"error", "warning", "notice"}, l.Command):
			properties := map[string]string{}
			maps.Copy(properties, l.KvPairs)
			s.Annotations = append(s.Annotations, annotate(Command{l.Command, properties, l.Arg}))
		case l.Raw:
			s.Log = append(s.Log, strings.TrimSuffix(l.Msg, "\n"))
		}
	}
	return job, lines.Err()
}
