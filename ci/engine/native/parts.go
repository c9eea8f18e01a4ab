package native

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/step"
)

// parts are the folders of what engines of one version share. Each gets its name when
// it is complete, and its name has all that decides its content, other than what
// Debian's archive serves.
type parts struct {
	// tools are the programs of the module, tree is a Debian root file system,
	// content is the OCI layout with the Go SDK.
	tools, tree, content string
}

func (h *Host) parts() parts {
	name := func(kind string, inputs ...string) string {
		hash := sha256.New()
		for _, input := range inputs {
			fmt.Fprintf(hash, "%d %s", len(input), input)
		}
		return filepath.Join(h.cache, fmt.Sprintf("%s-%s-%x", Version, kind, hash.Sum(nil)[:6]))
	}
	tools := []string{moduleFile, moduleSums, distconsts, gate, release, runtime.GOARCH}
	tree := []string{treeRecipe(), runtime.GOARCH}
	return parts{
		tools: name("tools", tools...), tree: name("tree", tree...),
		content: name("sdk", slices.Concat(tools, tree, []string{contentRecipe()})...),
	}
}

// build makes the parts that are not there yet.
func (h *Host) build(ctx context.Context) (parts, error) {
	p := h.parts()
	if err := os.MkdirAll(h.cache, 0o755); err != nil {
		return p, fmt.Errorf("making the folder of the engine's parts: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(h.cache, "parts.lock"))
	if err != nil {
		return p, err
	}
	defer unlock()
	for _, part := range []struct {
		name, dir string
		make      func(ctx context.Context, p parts, dir string, s step.Step) error
	}{
		{"engine programs", p.tools, h.buildTools},
		{"engine tree", p.tree, h.makeTree},
		{"engine Go SDK", p.content, h.makeContent},
	} {
		s := h.report.Start(part.name)
		if _, err := os.Stat(part.dir); err == nil {
			s.Cached("")
			continue
		}
		if err := whole(part.dir, func(half string) error { return part.make(ctx, p, half, s) }); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			s.Fail(err)
			return p, err
		}
		s.Done("")
	}
	return p, nil
}

// whole makes a folder that has its name only when it is complete.
func whole(dir string, fill func(half string) error) error {
	half := dir + ".new"
	if err := errors.Join(os.RemoveAll(half), os.Mkdir(half, 0o755)); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	defer os.RemoveAll(half)
	if err := fill(half); err != nil {
		return err
	}
	if err := os.Rename(half, dir); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	return nil
}

// lock waits for a lock between processes, until ctx ends.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	type result struct {
		unlock func()
		err    error
	}
	got := make(chan result, 1)
	go func() {
		unlock, err := lockWhereItLies(file)
		got <- result{unlock, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			return nil, fmt.Errorf("locking %s: %w", file, r.err)
		}
		return r.unlock, nil
	case <-ctx.Done():
		// The system drops the lock with the process, should it still come.
		return nil, context.Cause(ctx)
	}
}

// lockWhereItLies locks a file that its last holder may remove: a lock on a file that
// is no longer there keeps nobody out.
func lockWhereItLies(file string) (func(), error) {
	for {
		f, err := lockedfile.Edit(file)
		if err != nil {
			return nil, err
		}
		held, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there, err := os.Stat(file); err == nil && os.SameFile(held, there) {
			return func() { _ = f.Close() }, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}
