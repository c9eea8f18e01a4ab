// Package checkout gives the files of a commit as the commit has them, byte for byte,
// in a folder of their own. Nothing that a repository configures is run or obeyed: no
// hooks, no filters, no attributes, no line endings.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

// Request says which commit is wanted, and where it may be.
type Request struct {
	// Commit is its full id, 40 or 64 hexadecimal digits.
	Commit string
	// Dir is a folder whose repository is asked first. It is only read. It may be empty,
	// or in no repository.
	Dir string
	// URL is where the commit is fetched from otherwise: https:// or ssh://, or empty.
	URL string
	// Env is the user's environment, which leads to their credentials.
	Env []string
}

// Checkout is a folder with the files of a commit.
type Checkout struct {
	// Root is a repository of its own with the commit as its HEAD.
	Root string
	// From says where the commit came from: a folder or a URL.
	From string
	// Files is how many there are.
	Files int

	// folder is where the request's folder lies in the repository, and modules are the
	// folders that have a go.mod.
	folder  string
	modules []string
}

// ErrAbsent is the cause where no repository that was asked has the commit.
var ErrAbsent = errors.New("the commit is not there")

var commitForm = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Make fills an empty folder with the files of a commit. Errors that the user can act
// on are *fault.Error of kind Usage.
func Make(ctx context.Context, r Request, root string) (*Checkout, error) {
	if !commitForm.MatchString(r.Commit) {
		return nil, fault.New(fault.Usage, "%.100q is no commit id", r.Commit).WithFix("want 40 or 64 hexadecimal digits")
	}
	program, err := find(r.Env)
	if err != nil {
		return nil, err
	}
	g := &git{program: program, dir: root, env: environment(r.Env)}
	format := "sha1"
	if len(r.Commit) == 64 {
		format = "sha256"
	}
	// Without a template there are no hooks.
	if _, err := g.run(ctx, "init", "--quiet", "--template=", "--object-format="+format); err != nil {
		return nil, err
	}
	c := &Checkout{Root: root}
	if err := g.obtain(ctx, r, c); err != nil {
		return nil, err
	}
	if err = g.write(ctx, r.Commit, c); err == nil {
		err = g.settle(ctx, r.Commit)
	}
	return c, told(ctx, r, err)
}

// asTheyAre are attributes above those of a commit: the files are what it has in it, with
// no line ending of another machine and nothing for a filter to do.
const asTheyAre = "* -text -ident -filter -working-tree-encoding\n"

// settle makes the commit HEAD and the index, so that git status of whoever looks in there
// tells nothing but what they changed.
func (g *git) settle(ctx context.Context, commit string) error {
	if _, err := g.run(ctx, "update-ref", "--no-deref", "HEAD", commit); err != nil {
		return err
	}
	info := filepath.Join(g.dir, ".git", "info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(info, "attributes"), []byte(asTheyAre), 0o644); err != nil {
		return err
	}
	_, err := g.run(ctx, "read-tree", "HEAD")
	return err
}

// told makes what is wrong with a commit an error for the user.
func told(ctx context.Context, r Request, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok || err == nil || ctx.Err() != nil {
		return err
	}
	return fault.New(fault.Usage, "the commit %s cannot be checked out: %v", r.Commit, err).WithCause(err).
		WithFix("git fsck helps to repair the repository")
}

// obtain makes the commit's objects readable.
func (g *git) obtain(ctx context.Context, r Request, c *Checkout) error {
	if r.Dir != "" {
		folder, found, err := g.borrow(ctx, r)
		if found || err != nil {
			c.From, c.folder = r.Dir, folder
			return err
		}
	}
	if r.URL == "" {
		return absent(r, "no repository is named that it could be fetched from")
	}
	address, err := address(r.URL)
	if err != nil {
		return absent(r, err.Error())
	}
	c.From = address
	return g.fetch(ctx, r, address)
}

func absent(r Request, why string) *fault.Error {
	where := "no source folder has the commit " + r.Commit
	if r.Dir != "" {
		where = fmt.Sprintf("the repository of %s does not have the commit %s", r.Dir, r.Commit)
	}
	return fault.New(fault.Usage, "%s, and %s", where, why).
		WithFix("fetch the commit into a clone of the repository, and name its folder with --src").WithCause(ErrAbsent)
}

// borrow lets the new repository read the objects of the one that a folder lies in,
// whose own configuration is not read then. It tells whether the commit is there, and
// where the folder lies in the repository.
func (g *git) borrow(ctx context.Context, r Request) (folder string, found bool, err error) {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return "", false, err
	}
	root := findRoot(dir)
	if root == "" {
		return "", false, nil
	}
	if folder, err = filepath.Rel(root, dir); err != nil {
		return "", false, err
	}
	own := &git{program: g.program, dir: root, env: append(environment(r.Env), "GIT_CEILING_DIRECTORIES="+filepath.Dir(root))}
	objects, err := own.line(ctx, "rev-parse", "--path-format=absolute", "--git-path", "objects")
	if err != nil {
		return "", false, told(ctx, r, err)
	}
	alternates, err := g.share(root, objects)
	if err != nil {
		return "", false, err
	}
	kind, err := g.line(ctx, "cat-file", "-t", r.Commit)
	if ctx.Err() != nil {
		return "", false, context.Cause(ctx)
	}
	if err != nil || kind != "commit" {
		return "", false, os.Remove(alternates)
	}
	return filepath.ToSlash(folder), true, nil
}

// share names the objects of another repository to this one.
func (g *git) share(root, objects string) (alternates string, err error) {
	if !filepath.IsAbs(objects) || strings.ContainsAny(objects, "\n\"") {
		return "", fault.New(fault.Usage, "the objects of the repository %s lie in a folder that cannot be shared", root).WithFix("clone it to another place")
	}
	alternates = filepath.Join(g.dir, ".git", "objects", "info", "alternates")
	err = os.MkdirAll(filepath.Dir(alternates), 0o755)
	if err == nil {
		err = os.WriteFile(alternates, []byte(objects+"\n"), 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("sharing the objects of %s: %w", root, err)
	}
	return alternates, nil
}

// findRoot returns the nearest folder with a .git. git is not asked, because a
// repository's configuration could answer with any folder.
func findRoot(dir string) string {
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

// fetch gets the commit alone, or, from a server that does not give single commits,
// everything.
func (g *git) fetch(ctx context.Context, r Request, address string) error {
	quiet := []string{"-c", "maintenance.auto=false", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"}
	_, err := g.run(ctx, append(quiet, "--depth=1", "--", address, r.Commit)...)
	if err != nil && ctx.Err() == nil {
		_, err = g.run(ctx, append(quiet, "--", address, "+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*")...)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		failed, _ := errors.AsType[*failure](err)
		told := absent(r, "it could not be fetched from "+address).WithCause(errors.Join(ErrAbsent, err))
		if failed != nil {
			told = told.WithDetail(failed.lines...)
		}
		return told
	}
	if kind, err := g.line(ctx, "cat-file", "-t", r.Commit); err != nil || kind != "commit" {
		return absent(r, address+" does not have it either")
	}
	return nil
}

// find returns the absolute path of git.
func find(env []string) (string, error) {
	folders := ""
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			folders = value
		}
	}
	program, ok := process.Find("git", folders)
	if !ok {
		return "", fault.New(fault.Usage, "git is not installed, and without it no commit can be checked out").WithFix("install git")
	}
	return program, nil
}
