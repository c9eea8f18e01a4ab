package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/verify/checkout"
)

// Options say how a run is repeated.
type Options struct {
	// Dir is a folder of a clone that may have the commit. It is only read.
	Dir string
	// Env is the user's environment.
	Env []string
	// Fetch lets the commit be fetched from where the receipt says.
	Fetch    bool
	Reporter step.Reporter
	// Run makes the run in a source folder. Its receipt is there with an error too.
	Run func(ctx context.Context, dir string, then *Record) (*receipt.Receipt, error)
}

// Again makes the run again from a checkout of its commit, and compares. The error is
// that of a run that came to nothing which could be compared; there may be a result then.
func (r *Record) Again(ctx context.Context, o Options) (*Result, error) {
	var result *Result
	err := r.Checkout(ctx, o, func(dir string) error {
		now, err := o.Run(ctx, dir, r)
		if now == nil || ctx.Err() != nil {
			return err
		}
		result = Compare(r, now)
		if result.Outcome == NotRun {
			return err
		}
		return nil
	})
	return result, err
}

// Checkout calls use with the source folder of the commit, in a temporary folder.
func (r *Record) Checkout(ctx context.Context, o Options, use func(dir string) error) error {
	root, err := os.MkdirTemp("", "slipway-reproduce-")
	if err != nil {
		return fmt.Errorf("making a folder for the checkout: %w", err)
	}
	defer os.RemoveAll(root)
	// Like any clone: tests of a root run are another user's, who has to read it.
	if err := os.Chmod(root, 0o755); err != nil {
		return fmt.Errorf("making a folder for the checkout: %w", err)
	}
	request := checkout.Request{Commit: r.Commit, Dir: o.Dir, Env: o.Env}
	if o.Fetch {
		request.URL = r.Remote
	}
	err = step.Run(o.Reporter, "checkout", func(step.Step) (string, error) {
		c, err := checkout.Make(ctx, request, root)
		if err != nil {
			return "", r.absent(err, o)
		}
		return fmt.Sprintf("%s of %s from %s", step.Count(c.Files, "file"), r.Commit, c.From), nil
	})
	if err != nil {
		return err
	}
	dir, err := r.folder(root)
	if err != nil {
		return err
	}
	return use(dir)
}

// absent says how to get a commit that is not there.
func (r *Record) absent(err error, o Options) error {
	if !errors.Is(err, checkout.ErrAbsent) || o.Fetch && r.Remote != "" {
		return err
	}
	told := fault.New(fault.Usage, "the repository of %s does not have the commit %s", o.Dir, r.Commit).WithCause(err)
	fix := "in a clone of the repository: git fetch origin " + r.Commit
	if r.Pull != 0 {
		fix = fmt.Sprintf("in a clone of the repository: git fetch origin refs/pull/%d/merge, or, if the pull request has changed since, git fetch origin %s", r.Pull, r.Commit)
	}
	if r.Remote != "" {
		return told.WithFix("%s; --fetch takes it from %s", fix, r.Remote)
	}
	return told.WithFix("%s", fix)
}

// folder is the source folder in a checkout.
func (r *Record) folder(root string) (string, error) {
	tree, err := os.OpenRoot(root)
	if err != nil {
		return "", err
	}
	defer tree.Close() //nolint:errcheck // it is only read
	if info, err := tree.Stat(filepath.FromSlash(r.Folder)); err != nil || !info.IsDir() {
		return "", fault.New(fault.Usage, "the commit %s has no folder %s", r.Commit, r.Folder).WithFix("reproduce with the receipt of this commit")
	}
	return filepath.Join(root, filepath.FromSlash(r.Folder)), nil
}
