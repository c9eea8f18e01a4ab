package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// automation is a workflow, or an action of several steps, as the rules see it.
type automation struct {
	On          yaml.Node
	Permissions yaml.Node
	Concurrency yaml.Node
	Jobs        map[string]job
	Runs        struct {
		Using string
		Steps []action
	}
}

type job struct {
	If          string
	Uses        yaml.Node
	Permissions yaml.Node
	Timeout     int `yaml:"timeout-minutes"`
	Steps       []action
	// all is the job as it is written.
	all yaml.Node
}

func (j *job) UnmarshalYAML(n *yaml.Node) error {
	type plain job
	j.all = *n
	return n.Decode((*plain)(j))
}

// action is a step.
type action struct {
	If   string
	Uses yaml.Node
	Run  string
	With map[string]string
}

// rules are stricter than what GitHub takes. Each returns what is wrong.
var rules = map[string]func(a automation) []string{
	"trigger":     knownTriggers,
	"permissions": leastPermissions,
	"concurrency": func(a automation) []string {
		if a.Jobs == nil || a.Concurrency.Kind != 0 {
			return nil
		}
		return []string{"the workflow has no concurrency group"}
	},
	"timeout": func(a automation) (wrong []string) {
		for name, j := range a.Jobs {
			if j.Timeout == 0 && j.Uses.Value == "" {
				wrong = append(wrong, name+" has no timeout-minutes")
			}
		}
		return wrong
	},
	"pin":         pinnedActions,
	"run":         knownLines,
	"credentials": noCredentialsInGit,
	"cache":       noCacheWherePublished,
	"saved":       savedByTheDefaultBranch,
	"reach":       nothingToReachFromAPullRequest,
}

// violations names each broken rule with what breaks it.
func violations(text []byte) (map[string][]string, error) {
	var a automation
	if err := yaml.Unmarshal(text, &a); err != nil {
		return nil, err
	}
	if a.Jobs == nil && a.Runs.Using != "composite" {
		return nil, fmt.Errorf("neither a workflow nor a composite action")
	}
	found := map[string][]string{}
	for name, rule := range rules {
		if wrong := rule(a); len(wrong) > 0 {
			found[name] = wrong
		}
	}
	return found, nil
}

// steps are all of them, by the job that has them.
func (a automation) steps(visit func(j job, s action)) {
	for _, s := range a.Runs.Steps {
		visit(job{}, s)
	}
	for _, j := range a.Jobs {
		if j.Uses.Value != "" {
			visit(j, action{Uses: j.Uses})
		}
		for _, s := range j.Steps {
			visit(j, s)
		}
	}
}

// knownTriggers leaves no pull_request_target, no workflow_run and no issue_comment,
// which run with secrets what strangers wrote.
func knownTriggers(a automation) (wrong []string) {
	names := map[string]bool{}
	switch a.On.Kind {
	case yaml.ScalarNode:
		names[a.On.Value] = true
	case yaml.SequenceNode:
		for _, n := range a.On.Content {
			names[n.Value] = true
		}
	case yaml.MappingNode:
		for i := 0; i < len(a.On.Content); i += 2 {
			names[a.On.Content[i].Value] = true
		}
	}
	for name := range names {
		if !slices.Contains([]string{"pull_request", "merge_group", "push", "schedule", "workflow_dispatch", "workflow_call"}, name) {
			wrong = append(wrong, name)
		}
	}
	return wrong
}

func leastPermissions(a automation) (wrong []string) {
	if a.Jobs == nil {
		return nil
	}
	if a.Permissions.Kind != yaml.MappingNode || len(a.Permissions.Content) > 0 {
		wrong = append(wrong, "the workflow's permissions are not {}")
	}
	for name, j := range a.Jobs {
		if j.Permissions.Kind != yaml.MappingNode {
			wrong = append(wrong, name+" does not list its permissions")
		}
	}
	return wrong
}

var pinForm = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)

func pinnedActions(a automation) (wrong []string) {
	a.steps(func(_ job, s action) {
		uses := s.Uses.Value
		switch {
		case uses == "" || strings.HasPrefix(uses, "./"):
		case !pinForm.MatchString(uses):
			wrong = append(wrong, uses+" is not pinned by its commit")
		case !regexp.MustCompile(`^# (v\d+\.\d+\.\d+\S*|unreleased)$`).MatchString(s.Uses.LineComment):
			wrong = append(wrong, uses+" does not say which version that is")
		}
	})
	return wrong
}

// knownRuns are the lines that a runner may run: the build of Slipway, and Slipway.
// Whatever else a job does belongs into Slipway, where it works on a laptop too.
var knownRuns = []string{
	`go build -o "$RUNNER_TEMP/slipway" ./ci`,
	`go -C "$GITHUB_ACTION_PATH" build -o "$RUNNER_TEMP/slipway" ./ci`,
	`"$RUNNER_TEMP/slipway" tool trivy`,
	`exec "$RUNNER_TEMP/slipway" check`,
	`exec "$RUNNER_TEMP/slipway" publish --target "$TARGET"`,
	`exec "$RUNNER_TEMP/slipway" "$VERB" --src "$SRC"`,
	`case "$VERB" in check|publish) ;; *) echo "::error::the verb of this action is check or publish"; exit 2 ;; esac`,
	"echo \"src=$(printf %s \"$SRC\" | sha256sum | cut -c 1-8)\" >> \"$GITHUB_OUTPUT\"\n" +
		"cd \"$GITHUB_ACTION_PATH\" && echo \"sum=$(find ci go.mod go.sum -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-64)\" >> \"$GITHUB_OUTPUT\"\n",
	`echo 'This job publishes nothing. Pushes to the default branch and tags of versions do.' >> "$GITHUB_STEP_SUMMARY"`,
}

func knownLines(a automation) (wrong []string) {
	a.steps(func(_ job, s action) {
		if s.Run != "" && !slices.Contains(knownRuns, s.Run) {
			wrong = append(wrong, s.Run)
		}
	})
	return wrong
}

func noCredentialsInGit(a automation) (wrong []string) {
	a.steps(func(_ job, s action) {
		if strings.HasPrefix(s.Uses.Value, "actions/checkout@") && s.With["persist-credentials"] != "false" {
			wrong = append(wrong, "actions/checkout leaves its token in .git")
		}
	})
	return wrong
}

// restores tells whether a step takes something from a cache, saves whether it leaves
// something there.
func restores(s action) bool {
	return strings.HasPrefix(s.Uses.Value, "actions/cache") && !strings.HasPrefix(s.Uses.Value, "actions/cache/save@") || goCache(s)
}

func saves(s action) bool {
	return strings.HasPrefix(s.Uses.Value, "actions/cache") && !strings.HasPrefix(s.Uses.Value, "actions/cache/restore@") || goCache(s)
}

func goCache(s action) bool {
	return strings.HasPrefix(s.Uses.Value, "actions/setup-go@") && s.With["cache"] != "false"
}

// defaultBranch is the condition of what no pull request does, nor a tag.
const defaultBranch = "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"

// savedByTheDefaultBranch lets no job save a cache that runs what is not merged yet: all
// branches read what the default branch saved.
func savedByTheDefaultBranch(a automation) (wrong []string) {
	a.steps(func(_ job, s action) {
		condition := s.If == defaultBranch
		if a.Jobs == nil {
			condition = s.If == "inputs.verb == 'publish' && github.event_name == 'push' && "+defaultBranch
		}
		if saves(s) && !condition {
			wrong = append(wrong, s.Uses.Value)
		}
	})
	return wrong
}

// noCacheWherePublished lets no job publish what another run left in a cache.
func noCacheWherePublished(a automation) (wrong []string) {
	a.steps(func(j job, s action) {
		if restores(s) && (a.Jobs == nil && s.If != "inputs.verb == 'check'" || may(j, "packages") == "write" || may(j, "id-token") == "write") {
			wrong = append(wrong, s.Uses.Value)
		}
	})
	return wrong
}

// nothingToReachFromAPullRequest keeps secrets, and tokens that write, out of every job
// that code from a pull request can run in. Alerts may be written by a job that runs
// nothing but actions.
func nothingToReachFromAPullRequest(a automation) (wrong []string) {
	for name, j := range a.Jobs {
		if !reachable(a, j) {
			continue
		}
		runs := slices.ContainsFunc(j.Steps, func(s action) bool {
			return s.Run != "" || strings.HasPrefix(s.Uses.Value, "./") || strings.HasPrefix(s.Uses.Value, "actions/checkout@")
		})
		for i := 0; i+1 < len(j.Permissions.Content); i += 2 {
			what, how := j.Permissions.Content[i].Value, j.Permissions.Content[i+1].Value
			if how != "read" && (runs || what != "security-events") {
				wrong = append(wrong, name+" may "+how+" "+what)
			}
		}
		text, err := yaml.Marshal(&j.all)
		if err != nil || regexp.MustCompile(`\$\{\{[^}]*\b(secrets|github\.token)\b|secrets: inherit`).Match(text) {
			wrong = append(wrong, name+" is given a secret")
		}
	}
	return wrong
}

// reachable tells whether a pull request can start a job.
func reachable(a automation, j job) bool {
	started := a.On.Value == "pull_request"
	for _, n := range a.On.Content {
		started = started || n.Value == "pull_request" || n.Value == "workflow_call"
	}
	for alternative := range strings.SplitSeq(j.If, " || ") {
		if !slices.Contains([]string{"github.event_name == 'push'", "github.event_name == 'schedule'", "github.event_name == 'workflow_dispatch'"}, alternative) {
			return started
		}
	}
	return false
}

// may is what a job's token may do with something.
func may(j job, what string) string {
	for i := 0; i+1 < len(j.Permissions.Content); i += 2 {
		if j.Permissions.Content[i].Value == what {
			return j.Permissions.Content[i+1].Value
		}
	}
	return ""
}
