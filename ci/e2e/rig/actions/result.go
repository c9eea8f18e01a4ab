package actions

import (
	"slices"
	"strings"
)

// Outcomes of jobs and steps.
const (
	Success   = "success"
	Failure   = "failure"
	Cancelled = "cancelled"
	Skipped   = "skipped"
)

// Result is what a run did.
type Result struct {
	// Triggered is false when the workflow is not for the event.
	Triggered   bool
	Concurrency Concurrency
	Jobs        []*Job
	Artifacts   []Artifact
}

// Concurrency is the group that a run or a job waits for, when it has one.
type Concurrency struct {
	Group  string
	Cancel bool
}

// Job is what a job did, and all that it could reach. One of a called workflow is named
// after the job that called it, as in caller/job.
type Job struct {
	ID, Name    string
	Conclusion  string
	Environment string
	Concurrency Concurrency
	Steps       []*Step
	Outputs     map[string]string
	Reach       Reach
	// Orphans are the programs that were left running and had to be killed.
	Orphans []string
	// Workspace is its folder.
	Workspace string
}

// Reach is what somebody who controls a job's programs has in the hand.
type Reach struct {
	// Fork tells that the programs may come from anybody.
	Fork bool
	// Permissions are those of its token: scope and read or write.
	Permissions map[string]string
	// Secrets are the names that expressions could ask for, with a value.
	Secrets []string
	// Env are the variables of its steps with a secret in them, as step/NAME.
	Env []string
	// Inputs are the inputs of its actions with a secret in them, as step/name.
	Inputs []string
	// Persisted tells that a checkout left the token in the repository's settings.
	Persisted bool
	// IDToken tells that it could prove to others whose job it is.
	IDToken bool
	// Caches are those that it could write, by ref and key.
	Caches []string
}

// Step is what a step did. Outcome is before continue-on-error, Conclusion after it.
type Step struct {
	ID, Name, Uses      string
	Outcome, Conclusion string
	Code                int
	Outputs             map[string]string
	Annotations         []Annotation
	// Dropped are the annotations over what the runner keeps.
	Dropped int
	Groups  []string
	Log     []string
	Summary string
	// Violations are things that GitHub tolerates, and that no workflow should do.
	Violations []string
	// With are the inputs that an action got.
	With map[string]string
	// Steps are those of a composite action.
	Steps []*Step
}

// Artifact is a zip file that a job uploaded.
type Artifact struct{ Name, File, Job string }

// Job returns the job of an ID, or nil.
func (r *Result) Job(id string) *Job {
	if i := slices.IndexFunc(r.Jobs, func(j *Job) bool { return j.ID == id }); i >= 0 {
		return r.Jobs[i]
	}
	return nil
}

// Artifact returns the artifact of a name, or nil.
func (r *Result) Artifact(name string) *Artifact {
	if i := slices.IndexFunc(r.Artifacts, func(a Artifact) bool { return a.Name == name }); i >= 0 {
		return &r.Artifacts[i]
	}
	return nil
}

// All are the steps of a job, those of its composite actions among them.
func (j *Job) All() []*Step { return flatten(j.Steps) }

func flatten(steps []*Step) []*Step {
	var all []*Step
	for _, s := range steps {
		all = append(append(all, s), flatten(s.Steps)...)
	}
	return all
}

// Step returns the step of an ID or name, or nil.
func (j *Job) Step(name string) *Step {
	all := j.All()
	if i := slices.IndexFunc(all, func(s *Step) bool { return s.ID == name || s.Name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// Log is all that a job printed, as it is shown to people.
func (j *Job) Log() string {
	var lines []string
	for _, s := range j.All() {
		lines = append(lines, s.Log...)
	}
	return strings.Join(lines, "\n")
}

// Violations are those of all steps.
func (j *Job) Violations() []string {
	var all []string
	for _, s := range j.All() {
		all = append(all, s.Violations...)
	}
	return all
}
