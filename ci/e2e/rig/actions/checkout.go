package actions

import (
	"cmp"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// checkout clones the repository as actions/checkout does: the commit of the event, on
// the branch of a push, and detached for a tag or a pull request's merge.
func checkout(ctx context.Context, t *turn) error {
	with := t.step.With
	source, ref, sha := t.Source, t.event.Ref, t.event.SHA
	if other := with["repository"]; other != "" && other != t.Repository {
		dir, ok := t.Actions[other]
		if !ok {
			return failed("Not Found: repository %s", other)
		}
		// A folder stands for every commit of its repository.
		source, ref, sha = dir, "HEAD", "HEAD"
	} else if with["ref"] != "" {
		ref, sha = with["ref"], with["ref"]
	}
	if _, err := git(ctx, source, "rev-parse", "--verify", sha+"^{commit}"); err != nil {
		return failed("A branch or tag with the name '%s' could not be found", sha)
	}
	sha, err := git(ctx, source, "rev-parse", "--verify", sha+"^{commit}")
	if err != nil {
		return err
	}
	dir := filepath.Join(t.result.Workspace, filepath.FromSlash(with["path"]))
	if !strings.HasPrefix(dir+"/", t.result.Workspace+"/") {
		return failed("Repository path '%s' is not under '%s'", dir, t.result.Workspace)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := t.clone(ctx, source, dir, ref, sha); err != nil {
		return err
	}
	t.step.Outputs["commit"], t.step.Outputs["ref"] = sha, ref
	return t.persist(ctx, dir)
}

// clone fetches and checks out.
func (t *turn) clone(ctx context.Context, source, dir, ref, sha string) error {
	depth, err := strconv.Atoi(cmp.Or(t.step.With["fetch-depth"], "1"))
	if err != nil {
		return failed("fetch-depth: %s is not a number", t.step.With["fetch-depth"])
	}
	tags, err := t.on("fetch-tags", false)
	if err != nil {
		return err
	}
	tracking := "refs/remotes/origin/" + strings.TrimPrefix(ref, "refs/heads/")
	switch {
	case strings.HasPrefix(ref, "refs/pull/"):
		tracking = "refs/remotes/" + strings.TrimPrefix(ref, "refs/")
	case strings.HasPrefix(ref, "refs/tags/"):
		tracking = ref
	}
	fetch := []string{"-c", "protocol.version=2", "fetch", "--quiet", "--no-recurse-submodules", "file://" + source}
	one := slices.Insert(slices.Clone(fetch), 3, "--no-tags")
	all := []string{"version"} // nothing to fetch
	switch {
	case depth <= 0:
		all = append(slices.Clone(fetch), "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
	case tags:
		one = append(one, "+refs/tags/*:refs/tags/*")
		fallthrough
	default:
		one = slices.Insert(one, 4, "--depth="+strconv.Itoa(depth))
	}
	one = append(one, "+"+sha+":"+tracking)
	out := []string{"checkout", "--quiet", "--force", "--detach", tracking}
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		out = []string{"checkout", "--quiet", "--force", "-B", branch, tracking}
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"remote", "add", "origin", "https://github.com/" + cmp.Or(t.step.With["repository"], t.Repository)},
		all,
		one,
		out,
	} {
		if _, err := git(ctx, dir, args...); err != nil {
			return err
		}
	}
	return nil
}

// persist leaves the token in the settings of the clone unless that is turned off.
func (t *turn) persist(ctx context.Context, dir string) error {
	keep, err := t.on("persist-credentials", true)
	if err != nil || !keep {
		return err
	}
	t.result.Reach.Persisted = true
	login := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + cmp.Or(t.step.With["token"], t.token)))
	_, err = git(ctx, dir, "config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic "+login)
	return err
}
