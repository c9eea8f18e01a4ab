package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// builtin is an action that the simulation stands in for.
type builtin struct {
	// inputs are those that it knows. GitHub only warns of another one.
	inputs []string
	run    func(context.Context, *turn) error
}

// builtins are the actions that can be used without a folder that stands for them.
var builtins = map[string]builtin{
	"actions/checkout": {[]string{"repository", "ref", "token", "path", "fetch-depth", "fetch-tags", "persist-credentials", "clean", "show-progress", "set-safe-directory"}, checkout},
	"actions/setup-go": {[]string{"go-version", "go-version-file", "check-latest", "cache", "cache-dependency-path", "token", "architecture"}, setupGo},
	"actions/upload-artifact": {[]string{"name", "path", "if-no-files-found", "retention-days", "compression-level", "overwrite", "include-hidden-files"},
		uploadArtifact},
	"actions/download-artifact":         {[]string{"name", "path"}, downloadArtifact},
	"github/codeql-action/upload-sarif": {[]string{"sarif_file", "category", "checkout_path", "token", "wait-for-processing", "ref", "sha"}, uploadSARIF},
	"actions/cache":                     {[]string{"path", "key", "restore-keys", "enableCrossOsArchive", "fail-on-cache-miss", "lookup-only"}, cache},
	"actions/cache/restore":             {[]string{"path", "key", "restore-keys", "enableCrossOsArchive", "fail-on-cache-miss", "lookup-only"}, restoreCache},
	"actions/cache/save":                {[]string{"path", "key", "enableCrossOsArchive"}, cache},
	"actions/attest":                    {[]string{"subject-path", "subject-digest", "subject-name", "subject-checksums", "predicate-type", "predicate", "predicate-path", "push-to-registry", "show-summary", "github-token"}, attest},
	"actions/attest-build-provenance":   {[]string{"subject-path", "subject-digest", "subject-name", "subject-checksums", "push-to-registry", "show-summary", "github-token"}, attest},
}

// use runs an action.
func (t *turn) use(ctx context.Context, exec *actionlint.ExecAction) error {
	uses := exec.Uses.Value
	t.step.Uses = uses
	if exec.Entrypoint != nil || exec.Args != nil {
		return errors.New("actions in containers are not known here")
	}
	for _, name := range slices.Sorted(maps.Keys(exec.Inputs)) {
		given, err := t.scope.fill(exec.Inputs[name].Value.Value)
		if err != nil {
			return fmt.Errorf("with: %s: %w", name, err)
		}
		t.step.With[strings.ToLower(name)] = given
		if t.secret.hides(given) {
			t.result.Reach.Inputs = append(t.result.Reach.Inputs, t.called()+"/"+name)
		}
	}
	if local, ok := strings.CutPrefix(uses, "./"); ok {
		return t.composite(ctx, filepath.Join(t.result.Workspace, filepath.FromSlash(local)), "", "")
	}
	repository, path := split(uses)
	if dir, ok := t.Actions[repository]; ok {
		_, ref, _ := strings.Cut(uses, "@")
		return t.composite(ctx, filepath.Join(dir, filepath.FromSlash(path)), repository, ref)
	}
	action, ok := builtins[strings.TrimSuffix(repository+"/"+path, "/")]
	if !ok {
		return fmt.Errorf("the action %s is not known here, and no folder stands for it", uses)
	}
	for name := range t.step.With {
		if !slices.ContainsFunc(action.inputs, func(i string) bool { return strings.EqualFold(i, name) }) {
			return fmt.Errorf("with: the input %s of %s is not known here", name, uses)
		}
	}
	return action.run(ctx, t)
}

// on evaluates an input that is true or false.
func (t *turn) on(name string, fallback bool) (bool, error) {
	given, ok := t.step.With[name]
	switch {
	case !ok || given == "":
		return fallback, nil
	case slices.Contains([]string{"true", "True", "TRUE"}, given):
		return true, nil
	case slices.Contains([]string{"false", "False", "FALSE"}, given):
		return false, nil
	}
	return false, failed("Input does not meet YAML 1.2 \"Core Schema\" specification: %s", name)
}

// may fails the step when the job's token lacks a permission.
func (t *turn) may(scope, level string) error {
	if granted := t.result.Reach.Permissions[scope]; granted == "write" || granted == level {
		return nil
	}
	return failed("Resource not accessible by integration: this needs %s: %s", scope, level)
}

// cache records a cache that the job can write.
func cache(ctx context.Context, t *turn) error {
	t.result.Reach.Caches = append(t.result.Reach.Caches, t.event.Ref+": "+t.step.With["key"])
	return restoreCache(ctx, t)
}

// restoreCache finds no cache: every job here is the first.
func restoreCache(_ context.Context, t *turn) error {
	if t.step.With["path"] == "" || t.step.With["key"] == "" {
		return failed("Input required and not supplied: path or key")
	}
	if miss, err := t.on("fail-on-cache-miss", false); err != nil || miss {
		return errors.Join(err, failed("Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: %s", t.step.With["key"]))
	}
	t.step.Outputs["cache-hit"] = ""
	return nil
}

// attest checks what a job needs in order to attest.
func attest(_ context.Context, t *turn) error {
	if err := t.may("id-token", "write"); err != nil {
		return err
	}
	if err := t.may("attestations", "write"); err != nil {
		return err
	}
	given := 0
	for _, name := range []string{"subject-path", "subject-digest", "subject-checksums"} {
		if t.step.With[name] != "" {
			given++
		}
	}
	if given != 1 {
		return failed("One of subject-path, subject-digest, or subject-checksums must be provided")
	}
	return nil
}
