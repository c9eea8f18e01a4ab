// Package actions is a stand-in for GitHub's runner: it runs a workflow's jobs on this
// machine as a runner would, and tells what they did and what they could reach. What of
// a workflow it does not know is an error, so that a test never passes by not looking.
package actions

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Runner runs workflows of one repository.
type Runner struct {
	// Repository is its name, such as harbour/tide.
	Repository string
	// Source is the git repository with the commits of the events.
	Source string
	// Workflow is a file in it, such as .github/workflows/ci.yml.
	Workflow string
	// Work is an empty folder for all that the jobs write.
	Work string
	// Env are variables of the machine for the stand-ins of a test.
	Env []string
	// Path are folders that come before the system's.
	Path []string
	// Go is the folder of the go command that setup-go puts first, by default this
	// machine's.
	Go string
	// Actions are the folders of repositories that uses: names, by OWNER/REPO.
	Actions map[string]string
	// Secrets and Vars are those of the repository.
	Secrets, Vars map[string]string
	// IDToken is where jobs that may prove their identity ask for tokens.
	IDToken IDToken
	// Attempt is the number of the try, by default 1.
	Attempt int
	// Grace is how long a step that is cancelled may take, as on GitHub by default.
	Grace Grace
}

// IDToken is an issuer of identity tokens.
type IDToken struct{ URL, Token string }

// Grace are the waits before SIGTERM and before SIGKILL, and for streams that something
// in the background holds open.
type Grace struct{ Interrupt, Terminate, Streams time.Duration }

// run is one run of a workflow.
type run struct {
	*Runner
	event     Event
	result    *Result
	eventPath string
	// name is what github.workflow says.
	name string
	// token is the one of GitHub itself, and id a name that no other run has.
	token, id string
}

// Run runs the jobs that an event starts, one after another. Cancelling the context
// cancels the run as a person would: the steps for that case still run.
func (r *Runner) Run(ctx context.Context, event Event) (*Result, error) {
	one := &run{Runner: r, event: event, result: &Result{}, token: "ghs_" + rand.Text(), id: rand.Text()}
	// The files that a run reads before its jobs are read whether it is cancelled or not.
	raw, err := git(context.WithoutCancel(ctx), r.Source, "show", event.SHA+":"+r.Workflow)
	if err != nil {
		return nil, err
	}
	workflow, err := readWorkflow(r.Workflow, []byte(raw))
	if err != nil {
		return nil, err
	}
	if one.result.Triggered, err = triggers(workflow.On, event); err != nil || !one.result.Triggered {
		return one.result, err
	}
	if one.name = r.Workflow; workflow.Name != nil {
		one.name = workflow.Name.Value
	}
	if err := one.prepare(); err != nil {
		return nil, err
	}
	inputs, err := dispatchInputs(workflow, event)
	if err != nil {
		return nil, err
	}
	i := &instance{run: one, workflow: workflow, file: r.Workflow, inputs: inputs, secrets: one.secrets(), ceiling: one.ceiling()}
	if one.result.Concurrency, err = concurrency(workflow.Concurrency, i.scope("").only("github", "inputs", "vars")); err != nil {
		return nil, err
	}
	_, err = i.jobs(ctx)
	return one.result, err
}

// prepare makes the folders that all jobs share, and the file with the event.
func (r *run) prepare() error {
	if r.Grace == (Grace{}) {
		r.Grace = Grace{7500 * time.Millisecond, 2500 * time.Millisecond, 10 * time.Second}
	}
	for _, dir := range []string{"artifacts", "tools"} {
		if err := os.MkdirAll(filepath.Join(r.Work, dir), 0o755); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(r.event.Payload, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	r.eventPath = filepath.Join(r.Work, "event.json")
	return os.WriteFile(r.eventPath, text, 0o644)
}

// secrets are those that the event may see. A fork's pull request has but the token,
// and that can only read.
func (r *run) secrets() map[string]string {
	all := map[string]string{"GITHUB_TOKEN": r.token}
	if !r.event.Fork {
		maps.Copy(all, r.Secrets)
	}
	return all
}

// ceiling is the most that the token of a job may be able to do.
func (r *run) ceiling() map[string]string {
	most := map[string]string{}
	for _, scope := range scopes {
		most[scope] = "write"
		if r.event.Fork {
			most[scope] = "read"
		}
	}
	if r.event.Fork {
		delete(most, "id-token")
	}
	return most
}

// github is the context of that name.
func (r *run) github(job string) *object {
	e := r.event
	owner, _, _ := strings.Cut(r.Repository, "/")
	o := newObject("github", true)
	for key, value := range map[string]string{
		"actor": e.Actor, "triggering_actor": e.Actor, "actor_id": "1",
		"api_url": "https://api.github.com", "graphql_url": "https://api.github.com/graphql", "server_url": "https://github.com",
		"base_ref": e.BaseRef, "head_ref": e.HeadRef, "ref": e.Ref, "ref_name": e.refName(), "ref_type": e.refType(), "sha": e.SHA,
		"event_name": e.Name, "event_path": r.eventPath, "job": job,
		"repository": r.Repository, "repository_owner": owner, "repository_id": "42", "repository_owner_id": "7",
		"repository_visibility": "public", "retention_days": "90", "secret_source": "Actions",
		"run_id": "1234567890", "run_number": "17", "run_attempt": fmt.Sprint(max(1, r.Attempt)),
		"token": r.token, "workflow": r.name, "workflow_sha": e.SHA,
		"workflow_ref": r.Repository + "/" + r.Workflow + "@" + e.Ref,
	} {
		o.set(key, value)
	}
	o.set("ref_protected", e.Ref == "refs/heads/main")
	return o.set("event", fromJSON("github.event", e.Payload))
}

// runEnv are the variables with which the runner tells a step about the run.
func (r *run) runEnv(github *object) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(github.values)) {
		if slices.Contains([]string{"event", "token", "secret_source", "repository_visibility"}, name) {
			continue
		}
		all = append(all, "GITHUB_"+strings.ToUpper(name)+"="+text(github.values[name]))
	}
	return all
}
