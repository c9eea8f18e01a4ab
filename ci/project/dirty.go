package project

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// argumentLimit bounds the paths of one git command, in bytes: Windows takes 32 KiB.
const argumentLimit = 24 << 10

// treeEntry is a file as a commit has it.
type treeEntry struct {
	// mode is git's: 100644, 100755 with the x-bit, 120000 for a link.
	mode string
	id   string
}

// Dirty returns those of the files, slash paths relative to Root, whose content or
// x-bit is not that of the commit, or that the commit does not have; none without a
// commit. Contents are compared as they are, byte by byte: git status would run the
// filters and the file system monitor that a repository configures. What a filter
// rewrites on checkout is therefore different, and so are a submodule's files.
func (p *Project) Dirty(ctx context.Context, files []string) ([]string, error) {
	if p.Git.Commit == "" {
		return nil, nil
	}
	prefix := relative(p.TreeRoot, p.Root)
	var names []string
	for _, file := range files {
		if name := path.Join(prefix, file); name != "." && filepath.IsLocal(filepath.FromSlash(name)) {
			names = append(names, name)
		}
	}
	committed, err := p.committed(ctx, names)
	if err != nil {
		return nil, err
	}
	t := tree{root: p.TreeRoot, hashed: len(p.Git.Commit), straight: map[string]bool{".": true}}
	var changed []string
	for _, file := range files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		name := path.Join(prefix, file)
		entry, ok := committed[name]
		same := false
		if ok {
			if same, err = t.same(ctx, name, entry); err != nil {
				return nil, fmt.Errorf("comparing %s with the commit: %w", shown(file), err)
			}
		}
		if !same {
			changed = append(changed, file)
		}
	}
	return changed, nil
}

// committed returns those of the files that the commit has. Only their own folders
// are unfolded: a hostile commit may hold more paths than anybody can list.
func (p *Project) committed(ctx context.Context, names []string) (map[string]treeEntry, error) {
	found := map[string]treeEntry{}
	for len(names) > 0 {
		n, size := 0, 0
		for n < len(names) && (n == 0 || size+len(names[n]) < argumentLimit) {
			size += len(names[n]) + 1
			n++
		}
		args := slices.Concat([]string{"ls-tree", "-z", "--full-tree", p.Git.Commit, "--"}, names[:n])
		names = names[n:]
		out, err := p.repo.run(ctx, args...)
		if err != nil {
			return nil, err
		}
		for line := range bytes.SplitSeq(out, []byte{0}) {
			// mode SP type SP id TAB path
			head, name, _ := strings.Cut(string(line), "\t")
			if fields := strings.Fields(head); len(fields) == 3 && fields[1] == "blob" {
				found[name] = treeEntry{mode: fields[0], id: fields[2]}
			}
		}
	}
	return found, nil
}

// tree compares the files of a working tree with a commit.
type tree struct {
	root string
	// hashed is the length of an object id in hexadecimal digits.
	hashed int
	// straight remembers of folders whether no link leads to them.
	straight map[string]bool
}

// same tells whether a file is as the commit has it. What is gone, cannot be read or
// is no file is not.
func (t tree) same(ctx context.Context, name string, want treeEntry) (bool, error) {
	file := filepath.Join(t.root, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	if err != nil || !t.isStraight(path.Dir(name)) {
		return false, nil
	}
	if info.Mode().Type() == fs.ModeSymlink {
		target, err := os.Readlink(file)
		if err != nil || want.mode != "120000" {
			return false, nil
		}
		target = filepath.ToSlash(target)
		id, err := t.blobID(ctx, strings.NewReader(target), int64(len(target)))
		return id == want.id, err
	}
	executable := info.Mode()&0o100 != 0
	if runtime.GOOS == "windows" {
		executable = want.mode == "100755"
	}
	if want.mode == "120000" || executable != (want.mode == "100755") {
		return false, nil
	}
	f, err := openRegular(file)
	if err != nil {
		return false, unlessUnreadable(err)
	}
	defer f.Close()
	id, err := t.blobID(ctx, f, info.Size())
	return id == want.id, err
}

func unlessUnreadable(err error) error {
	if errors.Is(err, errIrregular) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// isStraight tells whether a folder is reached without a link: a commit has no files
// behind one.
func (t tree) isStraight(dir string) bool {
	known, ok := t.straight[dir]
	if !ok {
		info, err := os.Lstat(filepath.Join(t.root, filepath.FromSlash(dir)))
		known = err == nil && info.IsDir() && t.isStraight(path.Dir(dir))
		t.straight[dir] = known
	}
	return known
}

// blobID is git's name for a content of the given size.
// Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
func (t tree) blobID(ctx context.Context, content io.Reader, size int64) (string, error) {
	h := sha1.New()
	if t.hashed == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", size)
	// One byte more than it had: a file that grows meanwhile differs.
	content = io.LimitReader(content, size+1)
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		_, err := io.CopyN(h, content, 16<<20)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
