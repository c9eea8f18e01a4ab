package verify_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/verify"
)

// environ is that of a user without a configuration of git's.
func environ(t *testing.T) []string {
	t.Helper()
	return []string{
		// Nothing is fetched from anywhere.
		"HTTPS_PROXY=http://127.0.0.1:1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	}
}

// repository is one with files, and its commit.
func repository(t *testing.T, files map[string]string) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	env := environ(t)
	out := []byte(nil)
	for _, args := range [][]string{{"init", "-q", "-b", "trunk"}, {"add", "--all"}, {"commit", "-q", "-m", "x"}, {"rev-parse", "HEAD"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Env = dir, env
		var err error
		out, err = cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	return dir, strings.TrimSpace(string(out))
}

// fromCommit is tide, published from a commit that a folder of services has.
func fromCommit(t *testing.T) (w *world, source string) {
	t.Helper()
	source, commit := repository(t, map[string]string{
		"README.md": "services\n", "tide/go.mod": "module example.com/tide\n", "tide/main.go": "package main\n", "moon/go.mod": "module example.com/moon\n",
	})
	w = published(t)
	w.plan.Commit = commit
	content, err := program()
	require.NoError(t, err)
	w.index = assembled(t, w.plan, content)
	w.statements = said(t, w.plan, w.index)
	return w, source
}

func TestVerify_ComparesARebuild(t *testing.T) {
	t.Parallel()
	changed := func(change func(*plan.Image), content []byte) func(*testing.T, plan.Image) (*image.Index, error) {
		return func(t *testing.T, p plan.Image) (*image.Index, error) {
			t.Helper()
			if content == nil {
				var err error
				content, err = program()
				require.NoError(t, err)
			}
			change(&p)
			return assembled(t, p, content), nil
		}
	}
	refused := func(kind fault.Kind) func(*testing.T, plan.Image) (*image.Index, error) {
		return func(*testing.T, plan.Image) (*image.Index, error) {
			return nil, fault.New(kind, "so it is").WithFix("mend it")
		}
	}
	none := func(*plan.Image) {}
	for name, tt := range map[string]struct {
		build   func(*testing.T, plan.Image) (*image.Index, error)
		outcome finding.Outcome
		says    []string
	}{
		"the same":          {changed(none, nil), finding.Passed, []string{"gives the same digest"}},
		"another program":   {changed(none, []byte("other")), finding.Failed, []string{"linux/amd64 manifest was published as", "linux/amd64 layer 2", "linux/amd64 file /app/tide", "linux/amd64 config.rootfs"}},
		"another user":      {changed(func(p *plan.Image) { p.Config.User = "1:1" }, nil), finding.Failed, []string{"linux/amd64/v3 config.config.User was published as \"65532:65532\" and built again as \"1:1\""}},
		"a platform less":   {changed(func(p *plan.Image) { p.Platforms = p.Platforms[:1] }, nil), finding.Failed, []string{"linux/amd64/v3 image is only in what was published"}},
		"another plan":      {refused(fault.Gate), finding.Failed, []string{"so it is"}},
		"a broken source":   {refused(fault.Source), finding.Failed, []string{"so it is"}},
		"no engine":         {refused(fault.Engine), finding.Unjudged, []string{"so it is"}},
		"no base to be had": {refused(fault.Registry), finding.Unjudged, []string{"so it is"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, source := fromCommit(t)
			w.serve(t)
			o := w.options(t)
			o.Source, o.Env = source, environ(t)
			var built string
			o.Build = func(_ context.Context, dir string, recorded plan.Image) (*image.Index, error) {
				built = dir
				require.Equal(t, w.plan, recorded)
				require.Equal(t, "tide", filepath.Base(dir))
				text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
				require.NoError(t, err)
				require.Equal(t, "module example.com/tide\n", string(text))
				return tt.build(t, recorded)
			}
			r, err := w.verify(t, o)
			require.NotNil(t, r)
			require.Equal(t, tt.outcome == finding.Unjudged, err != nil)
			c, _ := r.Check(verify.CheckRebuild)
			require.Equal(t, tt.outcome, c.Outcome, text(t, r))
			for _, want := range tt.says {
				require.Contains(t, c.Summary+"\n"+strings.Join(c.Detail, "\n"), want)
			}
			require.NoDirExists(t, built)
			for _, other := range r.Checks[:len(r.Checks)-1] {
				require.Equal(t, finding.Passed, other.Outcome, other.Name)
			}
		})
	}
}

func TestVerify_RebuildsOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*testing.T, *world)
		options func(*testing.T, *verify.Options)
		outcome finding.Outcome
		says    string
	}{
		"no provenance": {outcome: finding.Failed, says: "nothing that counts says",
			change: func(_ *testing.T, w *world) { w.statements = w.statements[:1] }},
		"nobody is trusted": {outcome: finding.Failed, says: "nothing that counts says",
			options: func(_ *testing.T, o *verify.Options) { o.Verifier = nil }},
		"files of no commit": {outcome: finding.Failed, says: "files that are in no commit", change: dirty},
		"the commit is absent": {outcome: finding.Unjudged, says: "could not be fetched",
			options: func(t *testing.T, o *verify.Options) { o.Source = t.TempDir() }},
		"an unsigned place": {outcome: finding.Unjudged, says: "no repository is named",
			options: func(t *testing.T, o *verify.Options) { o.Source, o.Verifier, o.Unsigned = t.TempDir(), nil, true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, source := fromCommit(t)
			if tt.change != nil {
				tt.change(t, w)
			}
			w.serve(t)
			full := w.options(t)
			full.Source, full.Env, full.Only, full.Trust.Commit = source, environ(t), true, ""
			if tt.options != nil {
				tt.options(t, &full)
			}
			full.Build = func(context.Context, string, plan.Image) (*image.Index, error) {
				require.Fail(t, "it was built")
				return nil, nil
			}
			r, _ := w.verify(t, full)
			c, _ := r.Check(verify.CheckRebuild)
			require.Equal(t, tt.outcome, c.Outcome, text(t, r))
			require.Contains(t, c.Summary, tt.says)
			require.NotEmpty(t, c.Fix)
			_, there := r.Check(verify.CheckSBOM)
			require.False(t, there, "a rebuild alone needs no SBOM")
		})
	}
}

func dirty(t *testing.T, w *world) {
	t.Helper()
	w.plan.Dirty = true
	content, err := program()
	require.NoError(t, err)
	w.index = assembled(t, w.plan, content)
	w.statements = said(t, w.plan, w.index)
}
