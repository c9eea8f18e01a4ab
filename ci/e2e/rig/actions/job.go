package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rhysd/actionlint"
)

// cleanup is how long steps may take that run although their job is cancelled.
const cleanup = 5 * time.Minute

// job is a job while it runs.
type job struct {
	*instance
	ast    *actionlint.Job
	result *Job
	outer  scope
	// mask hides what must not be printed, secret finds secrets alone.
	mask, secret *mask
	temp, home   string
	// env is what the steps get, and path what comes before PATH for them.
	env   map[string]string
	path  []string
	limit time.Duration
	top   *frame
}

func (i *instance) newJob(ast *actionlint.Job, s scope, granted map[string]string) (*job, error) {
	id := i.prefix + ast.ID.Value
	base := filepath.Join(i.Work, strings.ReplaceAll(id, "/", "."))
	name := path.Base(i.Repository)
	r := &Job{ID: id, Name: ast.ID.Value, Outputs: map[string]string{}, Workspace: filepath.Join(base, "work", name, name)}
	j := &job{
		instance: i, ast: ast, result: r, outer: s, mask: &mask{}, secret: &mask{},
		temp: filepath.Join(base, "work", "_temp"), home: filepath.Join(base, "home"),
	}
	for _, dir := range []string{r.Workspace, j.temp, j.home} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	r.Reach = Reach{Fork: i.event.Fork, Permissions: granted, Secrets: slices.Sorted(maps.Keys(i.secrets)), IDToken: granted["id-token"] == "write"}
	for _, secret := range append(slices.Collect(maps.Values(i.secrets)), i.token, i.IDToken.Token) {
		j.mask.add(secret)
		j.secret.add(secret)
	}
	return j, j.evaluate()
}

// evaluate fills in what of a job stands outside of its steps.
func (j *job) evaluate() error {
	plain := j.outer.only("github", "needs", "vars", "inputs")
	var errs []error
	var err error
	if j.ast.Name != nil {
		j.result.Name, err = plain.fill(j.ast.Name.Value)
		errs = append(errs, err)
	}
	j.result.Concurrency, err = concurrency(j.ast.Concurrency, plain)
	errs = append(errs, err)
	if j.ast.Environment != nil {
		j.result.Environment, err = plain.fill(value(j.ast.Environment.Name))
		errs = append(errs, err)
	}
	j.env, err = fillEnv(j.workflow.Env, j.outer.only("github", "vars", "inputs", "secrets"))
	errs = append(errs, err)
	own, err := fillEnv(j.ast.Env, j.outer)
	errs = append(errs, err)
	maps.Copy(j.env, own)
	limit, err := minutes(j.ast.TimeoutMinutes, plain, 360)
	j.limit = time.Duration(limit * float64(time.Minute))
	return errors.Join(append(errs, err)...)
}

// run runs the steps and leaves nothing running.
func (j *job) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, j.limit)
	defer cancel()
	j.top = &frame{job: j, inputs: j.inputs, github: j.github(j.ast.ID.Value).set("workspace", j.result.Workspace), steps: newObject("steps", true), status: Success}
	err := j.top.all(ctx, j.ast.Steps)
	j.result.Steps = j.top.done
	j.result.Orphans = append(j.result.Orphans, endOrphans(j.tracking())...)
	if err != nil {
		return err
	}
	j.result.Conclusion = j.top.status
	keep, err := flag(j.ast.ContinueOnError, j.outer.only("github", "needs", "vars", "inputs"))
	if err != nil {
		return err
	}
	if keep && j.result.Conclusion == Failure {
		j.result.Conclusion = Success
	}
	return j.outputs()
}

// outputs evaluates what other jobs see. GitHub drops an output with a secret in it.
func (j *job) outputs() error {
	for _, name := range slices.Sorted(maps.Keys(j.ast.Outputs)) {
		output := j.ast.Outputs[name]
		value, err := j.top.scope(nil).withoutStatus().fill(output.Value.Value)
		if err != nil {
			return fmt.Errorf("outputs: %s: %w", name, err)
		}
		if j.mask.hides(value) {
			value = ""
		}
		j.result.Outputs[output.Name.Value] = value
	}
	return nil
}

// runnerContext is the context about the machine.
func (j *job) runnerContext() *object {
	o := newObject("runner", true)
	for key, value := range map[string]string{
		"os": "Linux", "arch": map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH], "name": "simulated",
		"environment": "github-hosted", "temp": j.temp, "tool_cache": filepath.Join(j.Work, "tools"), "debug": "",
	} {
		o.set(key, value)
	}
	return o
}

// jobContext is the context about the job, and about the workflow that it stands in.
func (j *job) jobContext(status string) *object {
	repository, path, ref, sha := j.Repository, strings.TrimPrefix(j.file, "./"), j.event.Ref, j.event.SHA
	if !strings.HasPrefix(j.file, "./") && j.prefix != "" {
		repository, path = split(j.file)
		_, ref, _ = strings.Cut(j.file, "@")
		sha = ref
	}
	o := newObject("job", true).set("status", status)
	return o.set("workflow_ref", repository+"/"+path+"@"+ref).set("workflow_sha", sha).
		set("workflow_repository", repository).set("workflow_file_path", path)
}

// tracking is the variable by which the runner finds what a job left running.
func (j *job) tracking() string { return "RUNNER_TRACKING_ID=github_" + j.id + "_" + j.result.ID }

// system is where programs of the machine are.
const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ is the environment of a step: that of the machine, that of the workflow, and
// last what the runner sets, which nobody can change.
func (j *job) environ(f *frame, own map[string]string, files files) []string {
	all := map[string]string{"HOME": j.home, "LANG": "C.UTF-8", "USER": "runner", "SHELL": "/bin/bash"}
	add := func(list []string) {
		for _, kv := range list {
			name, value, _ := strings.Cut(kv, "=")
			all[name] = value
		}
	}
	all["PATH"] = strings.Join(append(slices.Clone(j.Path), system), ":")
	add(j.Env)
	maps.Copy(all, j.env)
	maps.Copy(all, own)
	for _, dir := range j.path {
		all["PATH"] = dir + ":" + all["PATH"]
	}
	add([]string{"CI=true", "GITHUB_ACTIONS=true", j.tracking()})
	add(j.runEnv(f.github))
	for name, value := range j.runnerContext().values {
		if value != "" {
			all["RUNNER_"+strings.ToUpper(name)] = text(value)
		}
	}
	add(files.env())
	if j.result.Reach.IDToken {
		add([]string{"ACTIONS_ID_TOKEN_REQUEST_URL=" + j.IDToken.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + j.IDToken.Token})
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}
