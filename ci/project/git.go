package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// Git is what the repository says about the commit that is checked out. None of it
// depends on how the repository was cloned, but for Shallow and HasTags.
type Git struct {
	// Present says that the source folder lies in a repository that git could read.
	Present bool
	// Commit is the full id, 40 or 64 hexadecimal digits, or "" without a commit.
	Commit string
	// CommitTime is the committer's, in UTC.
	CommitTime time.Time
	// Version is the highest semantic version tag at the commit, else a Go
	// pseudo-version of the commit alone, or "" without a commit.
	Version string
	// Tagged says that Version is a tag.
	Tagged bool
	// Shallow says that history was cut off when the repository was cloned.
	Shallow bool
	// HasTags says that the repository has a tag, at whatever commit.
	HasTags bool
}

// withoutCommit ends the notes about what git does not tell.
const withoutCommit = "the image has no version and no commit, and its time is 0"

// findGitRoot returns the nearest folder with a .git: a folder or, in worktrees and
// submodules, a file. It does not ask git, because core.worktree in a repository's
// own configuration could answer with any folder of the machine.
func findGitRoot(dir string) string {
	for {
		info, err := os.Lstat(filepath.Join(dir, ".git"))
		if err == nil && (info.IsDir() || info.Mode().IsRegular() || info.Mode().Type() == os.ModeSymlink) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func (p *Project) readGit(ctx context.Context, o Options, root string) error {
	if root == "" {
		p.note("the source folder is in no git repository: %s", withoutCommit)
		return nil
	}
	program, err := gitProgram(o)
	if err != nil {
		return err
	}
	if program == "" {
		p.note("git is not installed: %s, and it differs from one that is built with git", withoutCommit)
		return nil
	}
	p.repo = &repository{program: program, root: root, env: gitEnv(o.Env, root), limit: commandLimit}
	shallow, err := p.repo.line(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	p.Git.Present, p.Git.Shallow = true, shallow == "true"
	head, err := p.repo.head(ctx)
	if err != nil {
		return err
	}
	if head == "" {
		p.note("the git repository %s has no commit yet: %s", shown(root), withoutCommit)
		return nil
	}
	return p.readCommit(ctx, o, head)
}

func (p *Project) readCommit(ctx context.Context, o Options, id string) error {
	text, err := p.repo.run(ctx, "cat-file", "commit", id)
	if err != nil {
		return err
	}
	p.Git.Commit = id
	if p.Git.CommitTime, err = committerTime(text); err != nil {
		return p.repo.broken(fmt.Sprintf("commit %s: %v", id, err), nil)
	}
	some, err := p.repo.line(ctx, "for-each-ref", "--count=1", "--format=%(refname)", "refs/tags")
	if err != nil {
		return err
	}
	p.Git.HasTags = some != ""
	at, err := p.repo.run(ctx, "for-each-ref", "--points-at="+id, "--format=%(refname)", "refs/tags")
	if err != nil {
		return err
	}
	if err := p.readRefs(ctx, o, strings.Fields(string(at))); err != nil {
		return err
	}
	versioned := p.ModulePath
	if p.ModuleDir != p.Root {
		versioned = "" // a workspace is versioned as a whole, not as one of its modules
	}
	version, misfit := highest(strings.Fields(string(at)), relative(p.TreeRoot, p.Root), versioned)
	p.Git.Version, p.Git.Tagged = version, version != ""
	if version == "" {
		p.Git.Version = pseudoVersion(versioned, p.Git.CommitTime, id)
	}
	if misfit != "" {
		p.note("the tag %s does not count as the version: its major version does not fit the module path %s", misfit, p.ModulePath)
	}
	if p.Git.Shallow && !p.Git.HasTags {
		p.note("the git repository is a shallow clone without tags: the version is %s even where a tag says another", p.Git.Version)
	}
	return nil
}

// committerTime reads the time in the committer line of a raw commit: after the
// address come seconds since 1970 and a time zone. A year has four digits in the
// versions and image times that are made of it.
func committerTime(commit []byte) (time.Time, error) {
	const year10000 = 253402300800
	header, _, _ := strings.Cut(string(commit), "\n\n")
	for line := range strings.SplitSeq(header, "\n") {
		who, ok := strings.CutPrefix(line, "committer ")
		if !ok {
			continue
		}
		fields := strings.Fields(who[strings.LastIndex(who, ">")+1:])
		if len(fields) == 0 {
			return time.Time{}, errors.New("its committer line has no time")
		}
		seconds, ok := number(fields[0])
		if !ok || seconds >= year10000 {
			return time.Time{}, fmt.Errorf("its committer line has no valid time: %s", shown(fields[0]))
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	return time.Time{}, errors.New("it has no committer line")
}

// pseudoVersion is the version of a commit that has no tag. It is made from the
// commit alone, since what came before it is not in every clone.
func pseudoVersion(modulePath string, t time.Time, commit string) string {
	const abbreviated = 12
	return module.PseudoVersion(module.PathMajorPrefix(pathMajor(modulePath)), "", t, commit[:abbreviated])
}
