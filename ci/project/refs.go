package project

import (
	"context"
	"regexp"
	"strings"

	"example.com/slipway/ci/process"
)

// Refs are the names that the commit has here. Unlike Git they depend on how and where
// the repository was cloned, so nothing of them may decide what an image is made of.
type Refs struct {
	// Head is the full name of what is checked out: refs/heads/main, in a job of GitHub
	// Actions also refs/tags/v1.2.3 or refs/pull/7/merge. It is "" where a commit is
	// checked out by itself.
	Head string
	// From says where Head comes from: git, or GITHUB_REF.
	From string
	// Tags are the short names of the tags at the commit, sorted.
	Tags []string
	// DefaultBranch is the short name of what the remote origin had as its default
	// branch when it was cloned, or "".
	DefaultBranch string
	// Remote is the address of the remote origin as git's configuration has it, maybe with
	// credentials, or "".
	Remote string
}

// maxRefTags bounds how many tags at one commit are kept.
const maxRefTags = 1000

// refForm is what git takes for a name, but for rules about dots and slashes, which
// nothing here depends on. https://git-scm.com/docs/git-check-ref-format
var refForm = regexp.MustCompile(`^refs/[^\x00-\x20\x7f~^:?*\[\\]{1,1000}$`)

// IsRef tells whether text has the form of a full ref name.
func IsRef(text string) bool { return refForm.MatchString(text) }

// readRefs reads the names of the commit; tags are the full names of those at it.
func (p *Project) readRefs(ctx context.Context, o Options, tags []string) error {
	for _, name := range tags {
		if IsRef(name) && len(p.Refs.Tags) < maxRefTags {
			p.Refs.Tags = append(p.Refs.Tags, strings.TrimPrefix(name, "refs/tags/"))
		}
	}
	head, err := p.repo.symbolic(ctx, "HEAD")
	if err != nil {
		return err
	}
	if strings.HasPrefix(head, "refs/heads/") {
		p.Refs.Head, p.Refs.From = head, "git"
	}
	// A runner checks out a commit and says in its environment what it was asked for. It
	// speaks of its own repository, and of the commit that started it: a job that checked
	// out anything else must not push it as that.
	if ref := o.getenv("GITHUB_REF"); IsRef(ref) && o.getenv("GITHUB_SHA") == p.Git.Commit {
		p.Refs.Head, p.Refs.From = ref, "GITHUB_REF"
	}
	if p.Refs.Remote, err = p.repo.setting(ctx, "remote.origin.url"); err != nil {
		return err
	}
	const remote = "refs/remotes/origin/"
	standard, err := p.repo.symbolic(ctx, remote+"HEAD")
	if branch, ok := strings.CutPrefix(standard, remote); ok {
		p.Refs.DefaultBranch = branch
	}
	return err
}

// getenv answers from Env: the last entry of a name holds.
func (o Options) getenv(name string) string { return process.Getenv(o.Env, name) }

// symbolic returns the ref that a symbolic one names, or "" where it is none, or is
// not there.
func (r *repository) symbolic(ctx context.Context, name string) (string, error) {
	out, _, err := r.start(ctx, "symbolic-ref", "--quiet", name)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if ref := strings.TrimSuffix(string(out), "\n"); err == nil && IsRef(ref) {
		return ref, nil
	}
	return "", nil
}

// setting returns a value of git's configuration, or "" where nobody set it.
func (r *repository) setting(ctx context.Context, name string) (string, error) {
	out, _, err := r.start(ctx, "config", "--get", name)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", nil
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
