package actions

import (
	"archive/zip"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_Uses(t *testing.T) {
	t.Parallel()
	for event, want := range map[string][]string{
		"push.main":         {"refs/heads/main", "1", "https://github.com/harbour/tide", "no credentials"},
		"push.tag":          {"detached", "1", "https://github.com/harbour/tide", "no credentials"},
		"pull_request.fork": {"detached", "1", "https://github.com/harbour/tide", "no credentials"},
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			r := repository(t, "uses")
			result := start(t, r, event)
			job := result.Job("uses")
			require.Equal(t, Success, job.Conclusion, job.Log())
			log := job.Step("git").Log
			require.Equal(t, want, log[1:5])
			require.Contains(t, log[5], "go version go")
			require.Equal(t, job.Step("checkout").Outputs["commit"], log[0])
			require.False(t, job.Reach.Persisted)
			require.Empty(t, job.Reach.Caches)

			require.Equal(t, []string{"action.yml", "##[warning]from inside"}, job.Step("say").Log)
			require.Regexp(t, "^hello (ada|mallory) outer$", job.Step("composite").Outputs["said"])
			require.Equal(t, []Annotation{{Level: "warning", Message: "from inside"}}, job.Step("composite").Annotations, "annotations are the job's step's")
			require.Equal(t, []string{"say/TOKEN"}, job.Reach.Env)
			require.Equal(t, []string{"somebody/else 0123456789012345678901234567890123456789"}, job.Step("mapped").Steps[0].Log)

			require.Equal(t, []string{"deep/report.html", "receipt.json"}, contents(t, result, "receipt"))
			require.Equal(t, []string{"receipt.json"}, contents(t, result, "one"))
			require.Equal(t, []string{"a.sarif", "deep/report.html", "receipt.json"}, contents(t, result, "folder"))
			require.Nil(t, result.Artifact("none"))
			require.Equal(t, Failure, job.Step("none").Outcome)
		})
	}
}

// contents are the names in an artifact.
func contents(t *testing.T, result *Result, name string) []string {
	t.Helper()
	archive, err := zip.OpenReader(result.Artifact(name).File)
	require.NoError(t, err)
	defer archive.Close()
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	return names
}

func TestRun_ChecksOutAllOfTheHistory(t *testing.T) {
	t.Parallel()
	workflow := `
on: [push, pull_request]
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789
        with: {fetch-depth: "%s", fetch-tags: "%s"}
      - run: |
          git rev-list --count HEAD
          git tag
          git branch --remotes
`
	for _, c := range []struct {
		event, depth, tags string
		want               []string
	}{
		{"push.main", "0", "false", []string{"2", "v1.2.3", "  origin/gh-readonly-queue/main/pr-8", "  origin/main", "  origin/tide-table"}},
		{"push.tag", "0", "false", []string{"2", "v1.2.3", "  origin/gh-readonly-queue/main/pr-8", "  origin/main", "  origin/tide-table"}},
		{"pull_request.fork", "0", "false", []string{"3", "v1.2.3", "  origin/gh-readonly-queue/main/pr-8", "  origin/main", "  origin/tide-table", "  pull/7/merge"}},
		{"push.main", "1", "true", []string{"1", "v1.2.3", "  origin/main"}},
		{"push.main", "1", "false", []string{"1", "  origin/main"}},
	} {
		job := start(t, repository(t, fmt.Sprintf(workflow, c.depth, c.tags)), c.event).Job("a")
		require.Equal(t, c.want, job.Steps[1].Log, c)
		require.True(t, job.Reach.Persisted)
	}
}

func TestRun_FailsStepsAsActionsDo(t *testing.T) {
	t.Parallel()
	const sha = "@0123456789012345678901234567890123456789"
	for want, steps := range map[string]string{
		"Did you forget to run actions/checkout":  `{uses: ./action}`,
		"Neither go-version nor go-version-file":  `{uses: actions/setup-go` + sha + `}`,
		"tide/go.mod does not exist":              `{uses: actions/setup-go` + sha + `, with: {go-version-file: go.mod}}`,
		"security-events: write":                  `{uses: github/codeql-action/upload-sarif` + sha + `, with: {sarif_file: x}}`,
		"attestations: write":                     `{uses: actions/attest` + sha + `, with: {subject-path: x}}`,
		"this needs id-token":                     `{uses: actions/attest-build-provenance` + sha + `}`,
		"with the name 'nowhere'":                 `{uses: actions/checkout` + sha + `, with: {ref: nowhere}}`,
		"is not under":                            `{uses: actions/checkout` + sha + `, with: {path: ../..}}`,
		"artifact name is not valid":              `{uses: actions/upload-artifact` + sha + `, with: {name: a/b, path: x}}`,
		"already exists on the workflow run":      `{run: "touch x y"}, {uses: actions/upload-artifact` + sha + `, with: {path: x}}, {uses: actions/upload-artifact` + sha + `, with: {path: y}}`,
		"Core Schema":                             `{uses: actions/checkout` + sha + `, with: {persist-credentials: "no"}}`,
		"Unable to process file command 'output'": `{run: 'echo forged >> "$GITHUB_OUTPUT"'}`,
		"Unable to process file command 'env'":    `{run: 'echo "a<<b" >> "$GITHUB_ENV"'}`,
		"timed out":                               `{run: sleep 60, timeout-minutes: 0.005}`,
		"exit code 143":                           `{run: 'kill $$'}`,
		"Unable to process command '::set-env":    `{run: 'echo "::set-env name=a::b"'}`,
	} {
		permissions := "{contents: read}"
		if strings.HasPrefix(want, "attestations") {
			permissions = "{id-token: write}"
		}
		job := start(t, repository(t, "on: push\njobs: {a: {runs-on: ubuntu-24.04, permissions: "+permissions+", steps: ["+steps+"]}}\n"), "push.main").Job("a")
		require.Equal(t, Failure, job.Conclusion, want)
		require.Contains(t, job.Log(), want)
	}
}

func TestRun_CallsWorkflows(t *testing.T) {
	t.Parallel()
	result := start(t, repository(t, "caller"), "push.main")
	require.Equal(t, []string{"password: ***"}, result.Job("call/build").Steps[0].Log)
	require.Equal(t, []string{"published 3"}, result.Job("call/publish").Steps[0].Log)
	require.Equal(t, []string{"sha256:tide"}, result.Job("after").Steps[0].Log)
	require.Equal(t, map[string]string{"contents": "read", "packages": "write"}, result.Job("call/build").Reach.Permissions)
	require.Equal(t, []string{"GITHUB_TOKEN", "password"}, result.Job("call/build").Reach.Secrets)

	result = start(t, repository(t, "caller"), "pull_request.fork")
	require.Equal(t, []string{"password: "}, result.Job("call/build").Steps[0].Log)
	require.Equal(t, Skipped, result.Job("call/publish").Conclusion)
	require.Equal(t, map[string]string{"contents": "read", "packages": "read"}, result.Job("call/build").Reach.Permissions)
}
