package actions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// repository makes a repository with a workflow of testdata/workflows, and a runner.
func repository(t *testing.T, workflow string) *Runner {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tide")
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/tree")))
	text, err := os.ReadFile("testdata/workflows/" + workflow + ".yml")
	if err != nil {
		text = []byte(workflow)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".github/workflows/ci.yml"), text, 0o644))
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "--all"}, {"commit", "--quiet", "--message=tide"},
		{"commit", "--quiet", "--allow-empty", "--message=more"},
	} {
		_, err := git(t.Context(), dir, args...)
		require.NoError(t, err)
	}
	require.NoError(t, Refs(t.Context(), dir))
	other, err := filepath.Abs("testdata/other")
	require.NoError(t, err)
	return &Runner{
		Repository: "harbour/tide", Source: dir, Workflow: ".github/workflows/ci.yml", Work: t.TempDir(),
		Actions: map[string]string{"somebody/else": other}, Secrets: map[string]string{"PASSWORD": "correct horse"},
		IDToken: IDToken{"https://token.example/", "id-token-of-the-job"},
		Grace:   Grace{Interrupt: time.Second, Terminate: time.Second, Streams: time.Second},
	}
}

func start(t *testing.T, r *Runner, name string) *Result {
	t.Helper()
	event, err := ReadEvent(t.Context(), r.Source, name)
	require.NoError(t, err)
	result, err := r.Run(t.Context(), event)
	require.NoError(t, err)
	return result
}

func TestRun_Steps(t *testing.T) {
	t.Parallel()
	result := start(t, repository(t, "steps"), "pull_request.fork")
	job := result.Job("steps")
	require.Equal(t, Failure, job.Conclusion)
	require.Equal(t, "Steps of pull_request", job.Name)
	require.Equal(t, map[string]string{"digest": "sha256:1", "many": "a\nb"}, job.Outputs)
	require.Equal(t, "write for mallory", job.Step("write").Name)
	require.Equal(t, "# Summary\n", job.Step("write").Summary)
	require.Equal(t, []string{"##[error]forged ${{ github.token }}"}, job.Step("write").Log, "who prints a title lets it give orders")
	require.NoFileExists(t, filepath.Join(job.Workspace, "pwned"))

	read := job.Step("read")
	require.Equal(t, Success, read.Outcome, read.Log)
	require.Regexp(t, `^mine step job 7/merge success [0-9a-f]{40}$`, read.Log[0])
	require.Len(t, read.Violations, 1, "expressions do not belong into run")
	env := strings.Join(read.Log, "\n")
	for _, kv := range []string{
		"CI=true", "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=harbour/tide", "GITHUB_REF=refs/pull/7/merge", "GITHUB_REF_NAME=7/merge", "GITHUB_REF_TYPE=branch",
		"GITHUB_EVENT_NAME=pull_request", "GITHUB_BASE_REF=main", "GITHUB_HEAD_REF=$(touch${IFS}pwned)`touch${IFS}pwned`;touch${IFS}pwned%0A%3A%3Aset-output",
		"GITHUB_ACTOR=mallory", "GITHUB_RUN_ATTEMPT=1", "GITHUB_SERVER_URL=https://github.com", "GITHUB_WORKFLOW=Steps", "GITHUB_JOB=steps",
		"GITHUB_WORKFLOW_REF=harbour/tide/.github/workflows/ci.yml@refs/pull/7/merge", "GITHUB_WORKSPACE=" + job.Workspace, "RUNNER_OS=Linux", "LATER=step",
	} {
		require.Contains(t, env, "\n"+kv+"\n")
	}
	require.NotContains(t, env, "GOPROXY=", "nothing of this process's environment")

	require.Equal(t, Failure, job.Step("pipe").Outcome)
	require.Equal(t, Success, job.Step("pipe").Conclusion)
	require.Contains(t, job.Step("lax").Log, "reached", "a step that names no shell has no pipefail")
	require.Equal(t, 3, job.Step("fails").Code)
	require.Equal(t, []Annotation{{Level: "error", Message: "Process completed with exit code 3."}}, job.Step("fails").Annotations)
	require.Equal(t, Skipped, job.Step("skipped").Outcome)
	require.Equal(t, Failure, job.Step("always").Outcome)
	require.Equal(t, []string{"failed with skipped"}, job.Step("failure").Log)
}

func TestRun_Jobs(t *testing.T) {
	t.Parallel()
	result := start(t, repository(t, "jobs"), "push.tag")
	require.Equal(t, Concurrency{Group: "ci-refs/tags/v1.2.3"}, result.Concurrency)
	var order []string
	for _, j := range result.Jobs {
		order = append(order, j.ID+" "+j.Conclusion)
	}
	require.Equal(t, []string{"first success", "second failure", "off skipped", "last success", "third skipped"}, order)
	require.Equal(t, map[string]string{"x": "1", "secret": ""}, result.Job("first").Outputs, "an output with a secret is dropped")
	require.Equal(t, []string{"*** https://token.example/"}, result.Job("first").Step("x").Log)
	require.Equal(t, []string{"failure skipped"}, result.Job("last").Steps[0].Log)
	require.Equal(t, "harbour", result.Job("second").Environment)
}

func TestRun_RecordsWhatAJobCanReach(t *testing.T) {
	t.Parallel()
	reach := start(t, repository(t, "jobs"), "push.main").Job("first").Reach
	require.Equal(t, Reach{
		Permissions: map[string]string{"contents": "read", "packages": "write", "id-token": "write"}, IDToken: true,
		Secrets: []string{"GITHUB_TOKEN", "PASSWORD"}, Env: []string{"x/ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x/TOKEN"},
	}, reach)
}

func TestRun_GivesAForkNothing(t *testing.T) {
	t.Parallel()
	workflow := `
on: pull_request
jobs:
  all:
    runs-on: ubuntu-24.04
    permissions: write-all
    steps:
      - id: s
        env: {PASSWORD: "${{ secrets.PASSWORD }}", TOKEN: "${{ github.token }}"}
        run: test -z "$PASSWORD${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}"
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e
        with: {go-version: stable}
`
	job := start(t, repository(t, workflow), "pull_request.fork").Job("all")
	require.Equal(t, Success, job.Conclusion, job.Log())
	require.Equal(t, []string{"GITHUB_TOKEN"}, job.Reach.Secrets)
	require.Equal(t, []string{"s/TOKEN"}, job.Reach.Env)
	require.True(t, job.Reach.Fork)
	require.True(t, job.Reach.Persisted)
	require.False(t, job.Reach.IDToken)
	require.Equal(t, []string{"refs/pull/7/merge: setup-go"}, job.Reach.Caches)
	require.NotContains(t, job.Reach.Permissions, "id-token")
	for scope, level := range job.Reach.Permissions {
		require.Equal(t, "read", level, scope)
	}

	job = start(t, repository(t, workflow), "pull_request.branch").Job("all")
	require.Equal(t, Failure, job.Conclusion, "a branch's pull request has secrets")
	require.Equal(t, "write", job.Reach.Permissions["id-token"])
}

func TestRun_DispatchHasInputs(t *testing.T) {
	t.Parallel()
	r := repository(t, "jobs")
	event, err := ReadEvent(t.Context(), r.Source, "workflow_dispatch")
	require.NoError(t, err)
	event.Payload["inputs"] = map[string]any{"level": "high", "dry": "false"}
	result, err := r.Run(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, []string{"high"}, result.Job("off").Steps[0].Log)

	for want, inputs := range map[string]map[string]any{"no input other": {"other": "x"}, "no option": {"level": "x"}, "invalid syntax": {"dry": "x"}} {
		event.Payload["inputs"] = inputs
		_, err = r.Run(t.Context(), event)
		require.ErrorContains(t, err, want)
	}
}

func TestRun_IsNotForOtherEvents(t *testing.T) {
	t.Parallel()
	result := start(t, repository(t, "jobs"), "schedule")
	require.Equal(t, &Result{}, result)
}

func TestRun_EveryEventIsReadable(t *testing.T) {
	t.Parallel()
	workflow := "on: {push: , pull_request: , merge_group: , workflow_dispatch: , schedule: [{cron: '17 4 * * 1'}]}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'test -s \"$GITHUB_EVENT_PATH\" && echo $GITHUB_REF $GITHUB_REF_TYPE'}]}}\n"
	for name, ref := range map[string]string{
		"push.main": "refs/heads/main branch", "push.tag": "refs/tags/v1.2.3 tag", "pull_request.fork": "refs/pull/7/merge branch", "pull_request.branch": "refs/pull/8/merge branch",
		"merge_group": "refs/heads/gh-readonly-queue/main/pr-8 branch", "schedule": "refs/heads/main branch", "workflow_dispatch": "refs/heads/main branch",
	} {
		result := start(t, repository(t, workflow), name)
		require.True(t, result.Triggered, name)
		require.Equal(t, []string{ref}, result.Job("a").Steps[0].Log)
	}
}

func TestRun_Refuses(t *testing.T) {
	t.Parallel()
	step := func(s string) string {
		return "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [" + s + "]}}\n"
	}
	const sha = "@0123456789012345678901234567890123456789"
	for want, workflow := range map[string]string{
		`unexpected key "jbos"`:               "on: push\njbos: {}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: x}]}}\n",
		`there is no "secrets" in this place`: step(`{run: x, if: "secrets.PASSWORD != ''"}`),
		`needs has no "b"`:                    step(`{run: x, env: {X: "${{ needs.b.result }}"}}`),
		`steps has no "b"`:                    step(`{run: x, env: {X: "${{ steps.b.outputs.c }}"}}, {id: b, run: x}`),
		`github has no "reff"`:                step(`{run: "echo ${{ github.reff }}"}`),
		"not pinned":                          step(`{uses: "actions/checkout@v7"}`),
		"no folder stands for it":             step(`{uses: "nobody/knows` + sha + `"}`),
		"input what of actions/checkout":      step(`{uses: "actions/checkout` + sha + `", with: {what: x}}`),
		"the shell \"pwsh\" is not known":     step(`{run: x, shell: pwsh}`),
		"strategy is not known":               "on: push\njobs: {a: {runs-on: ubuntu-24.04, strategy: {matrix: {x: [1]}}, steps: [{run: x}]}}\n",
		"only jobs on ubuntu":                 "on: push\njobs: {a: {runs-on: windows-2025, steps: [{run: x}]}}\n",
		"containers are not known":            "on: push\njobs: {a: {runs-on: ubuntu-24.04, container: x, steps: [{run: x}]}}\n",
		"needs itself":                        "on: push\njobs: {a: {needs: b, runs-on: ubuntu-24.04, steps: [{run: x}]}, b: {needs: a, runs-on: ubuntu-24.04, steps: [{run: x}]}}\n",
		"there is no job b":                   "on: push\njobs: {a: {needs: b, runs-on: ubuntu-24.04, steps: [{run: x}]}}\n",
		"asks for packages: write":            "on: push\njobs: {a: {permissions: {contents: read}, uses: ./.github/workflows/called.yml, with: {image: x}}}\n",
		"image is required":                   "on: push\njobs: {a: {permissions: {packages: write, contents: read}, uses: ./.github/workflows/called.yml}}\n",
		"no input other":                      "on: push\njobs: {a: {permissions: {packages: write, contents: read}, uses: ./.github/workflows/called.yml, with: {image: x, other: x}}}\n",
	} {
		r := repository(t, workflow)
		event, err := ReadEvent(t.Context(), r.Source, "push.main")
		require.NoError(t, err)
		_, err = r.Run(t.Context(), event)
		require.ErrorContains(t, err, want)
	}
}
