package replay_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
	"example.com/slipway/ci/step"
)

// clone is a repository with one commit, whose service lies in a folder app.
func clone(t *testing.T) (dir, id string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "app"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app", "go.mod"), []byte("module example.com/tide\n"), 0o644))
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "one")
	return dir, git("rev-parse", "HEAD")
}

func at(id string) change { return func(r *receipt.Receipt) { r.Source.Commit = id } }

func options(dir string, run func(dir string) (*receipt.Receipt, error)) replay.Options {
	return replay.Options{Dir: dir, Env: os.Environ(), Reporter: step.Silent{}, Run: func(_ context.Context, dir string, _ *replay.Record) (*receipt.Receipt, error) {
		return run(dir)
	}}
}

func TestAgain_RunsInACheckoutOfItsOwn(t *testing.T) {
	t.Parallel()
	dir, id := clone(t)
	mod := filepath.Join(dir, "app", "go.mod")
	require.NoError(t, os.WriteFile(mod, []byte("edited"), 0o644))
	var ran string
	result, err := record(t, passed(at(id), tests("TestWave=fail"))).Again(t.Context(), options(dir, func(dir string) (*receipt.Receipt, error) {
		ran = dir
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		require.NoError(t, err)
		require.Equal(t, "module example.com/tide\n", string(text), "as committed")
		return passed(at(id), here, tests("TestWave=fail")), errors.New("the gate tests fails")
	}))
	require.NoError(t, err, "what fails as it did there is no error")
	require.Equal(t, replay.Reproduced, result.Outcome)
	require.Equal(t, "app", filepath.Base(ran))
	require.NoDirExists(t, ran)
	text, err := os.ReadFile(mod)
	require.NoError(t, err)
	require.Equal(t, "edited", string(text))
}

func TestAgain_HasTheErrorOfARunThatCameToNothing(t *testing.T) {
	t.Parallel()
	dir, id := clone(t)
	gone := fault.New(fault.Engine, "there is no Dagger engine")
	result, err := record(t, passed(at(id))).Again(t.Context(), options(dir, func(string) (*receipt.Receipt, error) {
		return passed(here, fails("engine", "", gone.What)), gone
	}))
	require.Equal(t, fault.Engine, fault.KindOf(err))
	require.Equal(t, replay.NotRun, result.Outcome)
	ctx, cancel := context.WithCancel(t.Context())
	result, err = record(t, passed(at(id))).Again(ctx, options(dir, func(string) (*receipt.Receipt, error) {
		cancel()
		return passed(here), context.Canceled
	}))
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, result)
}

func TestAgain_SaysHowToGetACommit(t *testing.T) {
	t.Parallel()
	dir, id := clone(t)
	never := options(dir, func(string) (*receipt.Receipt, error) { panic("nothing is run") })
	_, err := record(t, passed()).Again(t.Context(), never)
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.ErrorContains(t, err, "does not have the commit "+commit)
	require.ErrorContains(t, err, "git fetch origin refs/pull/7/merge, or, if the pull request has changed since, git fetch origin "+commit)
	require.ErrorContains(t, err, "--fetch takes it from https://example.com/team/svc.git")
	_, err = fromToken(t, passed(func(r *receipt.Receipt) { r.Run.Plan.Ref = "refs/heads/main" })).Again(t.Context(), never)
	require.ErrorContains(t, err, "git fetch origin "+commit)
	require.NotContains(t, err.Error(), "--fetch")
	// A place that is not one of a repository is not asked, whoever says it.
	never.Fetch = true
	_, err = record(t, passed(func(r *receipt.Receipt) { r.Source.Remote = "ext::sh -c evil" })).Again(t.Context(), never)
	require.ErrorContains(t, err, "not one that is fetched from")
	_, err = record(t, passed(at(id), func(r *receipt.Receipt) { r.Source.Folder = "other" })).Again(t.Context(), never)
	require.ErrorContains(t, err, "has no folder other")
}
