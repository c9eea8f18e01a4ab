package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"example.com/slipway/ci/fault"
)

// Git is what the repository says about the commit that is checked out. None of it
// depends on how the repository was cloned.
type Git struct {
	// Commit is the full id, or "" without git or without a commit.
	Commit string
	// CommitTime is the committer's, in UTC.
	CommitTime time.Time
	// Version is the highest semantic version tag at the commit, else a Go
	// pseudo-version of the commit alone.
	Version string
	// Shallow says that history was cut off when it was cloned.
	Shallow bool
}

// repository calls git in one folder.
type repository struct {
	program string
	dir     string
	env     []string
}

// readGit finds the repository, which bounds everything else that is read.
func (p *Project) readGit(ctx context.Context, o Options) error {
	marked := gitMark(p.Root)
	program, found := onPath(o.Env, "git")
	switch {
	case marked == "":
		p.Notes = append(p.Notes, "the source folder is in no git repository: the image has no version and no commit, and its time is 0")
		return nil
	case !found:
		p.Notes = append(p.Notes, "git is not installed: the image has no version and no commit, and its time is 0, unlike one that is built with git")
		return nil
	}
	repo := &repository{program: program, dir: p.Root, env: gitEnv(o.Env)}
	top, err := repo.call(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return repo.explain(ctx, err)
	}
	if top, err = filepath.EvalSymlinks(filepath.FromSlash(top)); err != nil {
		return fmt.Errorf("resolving the root of the repository: %w", err)
	}
	p.repo, p.TreeRoot = repo, top
	return nil
}

// gitMark returns the nearest folder with a .git, a folder or, in worktrees and
// submodules, a file.
func gitMark(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func (p *Project) readIdentity(ctx context.Context) error {
	if p.repo == nil {
		return nil
	}
	head, err := p.repo.call(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.Notes = append(p.Notes, "the repository has no commit yet: the image has no version and no commit, and its time is 0")
		return nil
	}
	text, err := p.repo.call(ctx, "cat-file", "commit", head)
	if err != nil {
		return p.repo.explain(ctx, err)
	}
	if p.Git.CommitTime, err = committerTime(text); err != nil {
		return fmt.Errorf("reading commit %s: %w", head, err)
	}
	p.Git.Commit = head
	shallow, err := p.repo.call(ctx, "rev-parse", "--is-shallow-repository")
	p.Git.Shallow = err == nil && shallow == "true"
	tags, err := p.repo.call(ctx, "for-each-ref", "--points-at="+head, "--format=%(refname:strip=2)", "refs/tags")
	if err != nil {
		return p.repo.explain(ctx, err)
	}
	p.Git.Version = p.version(strings.Fields(tags))
	return nil
}

// version is the highest tag that names a version of this module. The tags of a
// module in a folder of the repository begin with that folder:
// https://go.dev/ref/mod#vcs-version
func (p *Project) version(tags []string) string {
	prefix := ""
	if rel := p.relative(p.TreeRoot, p.Root); rel != "." {
		prefix = rel + "/"
	}
	_, major, _ := module.SplitPathVersion(p.ModulePath)
	best := ""
	for _, tag := range tags {
		v, ok := strings.CutPrefix(tag, prefix)
		if !ok || !semver.IsValid(v) || semver.Canonical(v) != v || module.CheckPathMajor(v, major) != nil {
			continue
		}
		if best == "" || semver.Compare(v, best) > 0 {
			best = v
		}
	}
	if best != "" {
		return best
	}
	return module.PseudoVersion(module.PathMajorPrefix(major), "", p.Git.CommitTime, p.Git.Commit[:12])
}

// committerTime reads the time in the committer line of a raw commit, which ends in
// seconds and a time zone.
func committerTime(commit string) (time.Time, error) {
	header, _, _ := strings.Cut(commit, "\n\n")
	for line := range strings.Lines(header) {
		who, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "committer ")
		if !ok {
			continue
		}
		fields := strings.Fields(who[strings.LastIndex(who, ">")+1:])
		if len(fields) == 0 {
			break
		}
		seconds, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil || seconds < 0 || seconds > 253402300799 {
			break
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	return time.Time{}, errors.New("it has no committer line with a time")
}

// gitEnv takes away every variable that would turn git to another repository or
// configuration, and all that could make it ask, fetch or run something.
func gitEnv(env []string) []string {
	var kept []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") || name == "GIT_CONFIG_GLOBAL" || name == "GIT_CONFIG_SYSTEM" || name == "GIT_CONFIG_NOSYSTEM" {
			kept = append(kept, kv)
		}
	}
	return append(kept, "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C", "LANGUAGE=C")
}

// call runs one plumbing command and returns what it printed.
func (r *repository) call(ctx context.Context, args ...string) (string, error) {
	out, err := r.output(ctx, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

func (r *repository) output(ctx context.Context, args ...string) ([]byte, error) {
	options := []string{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.alternateRefsCommand=", "-c", "protocol.allow=never"}
	cmd := exec.CommandContext(ctx, r.program, slices.Concat(options, args)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, 2*time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// explain makes a sentence of git's refusal.
func (r *repository) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if strings.Contains(err.Error(), "dubious ownership") {
		return fault.New(fault.Usage, "git does not trust %s, because it belongs to another user", r.dir).
			WithFix("git config --global --add safe.directory %s", gitMark(r.dir)).WithCause(err)
	}
	_, said, _ := strings.Cut(err.Error(), ": ")
	return fault.New(fault.Usage, "git cannot read the repository of %s: %s", r.dir, said).
		WithFix("git fsck shows what is wrong with it; a copy without .git builds without version and commit").WithCause(err)
}

func onPath(env []string, program string) (string, bool) {
	for _, kv := range slices.Backward(env) {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if name, err := exec.LookPath(filepath.Join(dir, program)); err == nil && filepath.IsAbs(dir) {
				return name, true
			}
		}
		return "", false
	}
	return "", false
}
