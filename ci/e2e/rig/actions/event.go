package actions

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// events are payloads as GitHub sends them, cut down to what workflows ask for.
//
//go:embed testdata/events
var events embed.FS

// Event is what started a run.
type Event struct {
	// Name is as in on:, such as pull_request.
	Name    string
	Payload map[string]any
	// Ref and SHA are what is checked out: for a pull request its merge commit.
	Ref, SHA string
	// HeadRef and BaseRef are set for pull requests.
	HeadRef, BaseRef string
	Actor            string
	// Fork is a pull request out of another repository: it gets no secrets.
	Fork bool
}

// revision is a text in a payload that stands for the commit that a revision names.
var revision = regexp.MustCompile(`"\{\{([^{}"]+)\}\}"`)

// ReadEvent makes an event out of a payload of testdata/events, such as
// pull_request.fork, for a repository that Refs prepared.
func ReadEvent(ctx context.Context, source, name string) (Event, error) {
	raw, err := events.ReadFile("testdata/events/" + name + ".json")
	if err != nil {
		return Event{}, err
	}
	text := string(raw)
	for _, found := range revision.FindAllStringSubmatch(text, -1) {
		commit, err := git(ctx, source, "rev-parse", "--verify", found[1]+"^{commit}")
		if err != nil {
			return Event{}, err
		}
		text = strings.ReplaceAll(text, found[0], `"`+commit+`"`)
	}
	kind, _, _ := strings.Cut(name, ".")
	var payload map[string]any
	if err := json.Unmarshal([]byte(text), &payload); err != nil {
		return Event{}, fmt.Errorf("event %s: %w", name, err)
	}
	return NewEvent(ctx, source, kind, payload)
}

// NewEvent reads out of a payload what GitHub reads out of it.
func NewEvent(ctx context.Context, source, name string, payload map[string]any) (Event, error) {
	e := Event{Name: name, Payload: payload, Actor: member(payload, "sender", "login")}
	switch name {
	case "push":
		e.Ref, e.SHA = member(payload, "ref"), member(payload, "after")
	case "pull_request":
		number, _ := payload["number"].(float64)
		e.Ref = fmt.Sprintf("refs/pull/%.0f/merge", number)
		e.SHA = member(payload, "pull_request", "merge_commit_sha")
		e.HeadRef, e.BaseRef = member(payload, "pull_request", "head", "ref"), member(payload, "pull_request", "base", "ref")
		e.Fork = member(payload, "pull_request", "head", "repo", "full_name") != member(payload, "repository", "full_name")
	case "merge_group":
		e.Ref, e.SHA = member(payload, "merge_group", "head_ref"), member(payload, "merge_group", "head_sha")
	case "schedule":
		e.Ref = "refs/heads/" + member(payload, "repository", "default_branch")
	case "workflow_dispatch":
		e.Ref = member(payload, "ref")
	default:
		return e, fmt.Errorf("the event %q is not known here", name)
	}
	if e.SHA != "" {
		return e, nil
	}
	sha, err := git(ctx, source, "rev-parse", "--verify", e.Ref+"^{commit}")
	e.SHA = sha
	return e, err
}

// member is a text inside a payload, or empty.
func member(payload map[string]any, path ...string) string {
	var value any = payload
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	s, _ := value.(string)
	return s
}

// refName is what GitHub calls a ref without its kind.
func (e Event) refName() string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/pull/"} {
		if name, ok := strings.CutPrefix(e.Ref, prefix); ok {
			return name
		}
	}
	return e.Ref
}

func (e Event) refType() string {
	if strings.HasPrefix(e.Ref, "refs/tags/") {
		return "tag"
	}
	return "branch"
}

// Refs gives a repository the refs that the events of this package name: a tag, a pull
// request out of a fork with its merge commit, another out of a branch, a merge queue.
func Refs(ctx context.Context, source string) error {
	head, err := git(ctx, source, "rev-parse", "--verify", "refs/heads/main")
	if err != nil {
		return err
	}
	for _, ref := range []string{"refs/tags/v1.2.3", "refs/pull/7/head", "refs/pull/8/head", "refs/heads/tide-table"} {
		if _, err := git(ctx, source, "update-ref", ref, head); err != nil {
			return err
		}
	}
	return errors.Join(
		Merge(ctx, source, "refs/pull/7/head", "refs/pull/7/merge"),
		Merge(ctx, source, "refs/pull/8/head", "refs/pull/8/merge"),
		Merge(ctx, source, "refs/pull/8/head", "refs/heads/gh-readonly-queue/main/pr-8"),
	)
}

// Merge makes the merge of a head into main that GitHub keeps for a pull request: a
// commit with the tree of the head.
func Merge(ctx context.Context, source, head, ref string) error {
	commit, err := git(ctx, source, "commit-tree", head+"^{tree}", "-p", "refs/heads/main", "-p", head, "-m", "Merge "+head+" into main")
	if err != nil {
		return err
	}
	_, err = git(ctx, source, "update-ref", ref, commit)
	return err
}

// git runs a git command that depends on nothing that the user has set.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=GitHub", "GIT_AUTHOR_EMAIL=noreply@example.com", "GIT_AUTHOR_DATE=2026-03-04T05:06:07Z",
		"GIT_COMMITTER_NAME=GitHub", "GIT_COMMITTER_EMAIL=noreply@example.com", "GIT_COMMITTER_DATE=2026-03-04T05:06:07Z")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
