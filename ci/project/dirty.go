package project

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Dirty returns those of the files, slash paths relative to Root, that are not as
// HEAD has them. It compares contents itself, because git status runs the filters
// and the file system monitor that a repository configures.
func (p *Project) Dirty(ctx context.Context, files []string) ([]string, error) {
	if p.repo == nil || p.Git.Commit == "" {
		return nil, nil
	}
	committed, err := p.tree(ctx)
	if err != nil {
		return nil, err
	}
	prefix := p.relative(p.TreeRoot, p.Root)
	var changed []string
	for _, file := range files {
		want, ok := committed[path.Join(prefix, file)]
		if !ok {
			changed = append(changed, file)
			continue
		}
		got, err := blobID(filepath.Join(p.Root, filepath.FromSlash(file)), len(want))
		if err != nil {
			return nil, fmt.Errorf("comparing %s with the commit: %w", file, err)
		}
		if got != want {
			changed = append(changed, file)
		}
	}
	return changed, nil
}

// tree maps the paths of HEAD's files to their object ids.
func (p *Project) tree(ctx context.Context) (map[string]string, error) {
	out, err := p.repo.output(ctx, "ls-tree", "-r", "-z", "--full-tree", p.Git.Commit)
	if err != nil {
		return nil, p.repo.explain(ctx, err)
	}
	all := map[string]string{}
	for entry := range bytes.SplitSeq(out, []byte{0}) {
		// mode SP type SP id TAB path
		head, name, ok := strings.Cut(string(entry), "\t")
		if fields := strings.Fields(head); ok && len(fields) == 3 && fields[1] == "blob" {
			all[name] = fields[2]
		}
	}
	return all, nil
}

// blobID is git's name for a file's content; its length tells the hash function.
func blobID(name string, length int) (string, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return "", err
	}
	h := sha1.New()
	if length == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "blob %d\x00%s", len(target), target)
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fmt.Fprintf(h, "blob %d\x00", info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
