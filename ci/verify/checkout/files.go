package checkout

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"example.com/slipway/ci/fault"
)

// Bounds on a commit: a tree of a few kilobytes can unfold to more paths than a disk
// has room for.
const (
	maxFiles = 500_000
	maxNames = 256 << 20 // bytes of all paths
	maxBytes = 8 << 30   // of all files
	maxLink  = 4096      // bytes of a link's target
)

// entry is a file of a commit.
type entry struct {
	// mode is git's: 100644, 100755 with the x-bit, 120000 for a link, 160000 for the
	// commit of a submodule.
	mode, id, path string
}

// write puts the files of a commit into the folder.
func (g *git) write(ctx context.Context, commit string, c *Checkout) error {
	entries, err := g.list(ctx, commit)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what was written is closed by itself
	w := &writer{root: root, made: map[string]bool{".": true}}
	var ids bytes.Buffer
	var files []entry
	for _, e := range entries {
		if e.mode == "160000" {
			// As git leaves a submodule that nobody asked for.
			if err := w.folder(e.path); err != nil {
				return err
			}
			continue
		}
		if path.Base(e.path) == "go.mod" {
			c.modules = append(c.modules, path.Dir(e.path))
		}
		files = append(files, e)
		ids.WriteString(e.id + "\n")
	}
	c.Files = len(files)
	return g.stream(ctx, &ids, func(r io.Reader) error {
		in := bufio.NewReaderSize(r, 64<<10)
		for _, e := range files {
			if err := w.file(in, e); err != nil {
				return fmt.Errorf("writing %.200q of the commit: %w", e.path, err)
			}
		}
		return nil
	}, "cat-file", "--batch")
}

// list returns the files of a commit.
func (g *git) list(ctx context.Context, commit string) ([]entry, error) {
	var entries []entry
	names := 0
	err := g.stream(ctx, nil, func(r io.Reader) error {
		in := bufio.NewReader(io.LimitReader(r, maxNames+maxFiles*100))
		for {
			line, err := in.ReadString(0)
			if errors.Is(err, io.EOF) && line == "" {
				return nil
			}
			if err != nil {
				return tooMuch()
			}
			e, err := parse(strings.TrimSuffix(line, "\x00"))
			if err != nil {
				return err
			}
			entries = append(entries, e)
			if names += len(e.path); len(entries) > maxFiles || names > maxNames {
				return tooMuch()
			}
		}
	}, "ls-tree", "-r", "-z", "--full-tree", commit)
	return entries, err
}

func tooMuch() error {
	return fault.New(fault.Usage, "the commit holds more than %d files, or more than 8 GB", maxFiles).WithFix("look into the repository before anything unpacks it")
}

// parse reads mode SP type SP id TAB path.
func parse(line string) (entry, error) {
	head, name, _ := strings.Cut(line, "\t")
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return entry{}, fmt.Errorf("git ls-tree prints %.200q", line)
	}
	e := entry{mode: fields[0], id: fields[2], path: name}
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return entry{}, unwelcome(name)
	}
	for part := range strings.SplitSeq(name, "/") {
		// What is in there, git obeys.
		if strings.EqualFold(part, ".git") || strings.EqualFold(part, "git~1") {
			return entry{}, unwelcome(name)
		}
	}
	return e, nil
}

func unwelcome(name string) error {
	return fault.New(fault.Usage, "the commit holds a file %.200q, which no checkout may write", name).WithFix("do not use that commit")
}

// writer writes below a folder and nowhere else.
type writer struct {
	root *os.Root
	// made are the folders that are there.
	made  map[string]bool
	bytes int64
}

func (w *writer) folder(name string) error {
	if w.made[name] {
		return nil
	}
	if err := w.folder(path.Dir(name)); err != nil {
		return err
	}
	// A link in the place of a folder would lead what is written elsewhere.
	if err := w.root.Mkdir(filepath.FromSlash(name), 0o755); err != nil {
		return err
	}
	w.made[name] = true
	return nil
}

// file writes the next object of git cat-file --batch: ID SP TYPE SP SIZE LF, the
// content, LF.
func (w *writer) file(in *bufio.Reader, e entry) error {
	head, err := in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("git cat-file ended: %w", err)
	}
	fields := strings.Fields(string(head))
	if len(fields) != 3 || fields[0] != e.id || fields[1] != "blob" {
		return fmt.Errorf("git does not have its content: %.200q", head)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return fmt.Errorf("git says a size of %.100q", fields[2])
	}
	if w.bytes += size; w.bytes > maxBytes {
		return tooMuch()
	}
	if err := w.folder(path.Dir(e.path)); err != nil {
		return err
	}
	h := newHash(e.id, size)
	if err := w.content(io.TeeReader(io.LimitReader(in, size), h), e, size); err != nil {
		return err
	}
	// The object's name is checked because git takes a pack at its word.
	if got := hex.EncodeToString(h.Sum(nil)); got != e.id {
		return fault.New(fault.Usage, "the repository is damaged: the object %s has other content", e.id).WithFix("git fsck helps to repair it")
	}
	_, err = in.Discard(1)
	return err
}

func newHash(id string, size int64) hash.Hash {
	h := sha1.New()
	if len(id) == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

func (w *writer) content(r io.Reader, e entry, size int64) error {
	name := filepath.FromSlash(e.path)
	if e.mode == "120000" {
		if size > maxLink {
			return fmt.Errorf("its link has a target of %d bytes", size)
		}
		target, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return w.root.Symlink(string(target), name)
	}
	mode := fs.FileMode(0o644)
	if e.mode == "100755" {
		mode = 0o755
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, r)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, f.Close())
}
