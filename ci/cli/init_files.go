package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/scaffold"
	"example.com/slipway/ci/term"
)

// maxOwnFile bounds what init reads of a file that is there, in bytes.
const maxOwnFile = 1 << 20

// tree is the repository. Nothing outside of it is reached, and nothing through a link.
type tree struct{ *os.Root }

func openTree(dir string) (tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return tree{}, fault.New(fault.Usage, "%v", err).WithFix("make the repository's folder readable")
	}
	return tree{root}, nil
}

// read returns the texts of those files that are there. What is there and is no file,
// or a link on the way to one, is an error: init would have to write there.
func (t tree) read(names []string) (map[string]string, error) {
	texts := map[string]string{}
	for _, name := range names {
		there, err := t.straight(name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		f, err := t.Open(filepath.FromSlash(name))
		if err != nil {
			return nil, fault.New(fault.Usage, "reading %s: %v", plain.Line(name), err).WithFix("make it readable").WithCause(err)
		}
		text, err := io.ReadAll(io.LimitReader(f, maxOwnFile+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if len(text) > maxOwnFile {
			return nil, fault.New(fault.Usage, "%s is larger than 1 MiB", plain.Line(name)).WithFix("shorten it")
		}
		texts[name] = string(text)
	}
	return texts, nil
}

// straight tells whether a regular file is there, and that there is no link on the way.
func (t tree) straight(name string) (there bool, err error) {
	parts := strings.Split(name, "/")
	for i := range parts {
		at := path.Join(parts[:i+1]...)
		info, err := t.Lstat(filepath.FromSlash(at))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fault.New(fault.Usage, "looking for %s: %v", plain.Line(at), err).WithFix("make its folder readable").WithCause(err)
		}
		if last := i == len(parts)-1; last && !info.Mode().IsRegular() || !last && !info.IsDir() {
			return false, fault.New(fault.Usage, "%s is a link or no file, and init does not write through it", plain.Line(at)).
				WithFix("put a file or a folder in its place")
		}
	}
	return true, nil
}

// writeFiles decides about every file before it writes the first, and has all of them
// beside their places before one is put there.
func (s *session) writeFiles(ctx context.Context, t tree, files []scaffold.File, force bool) error {
	if err := s.agree(ctx, files, force); err != nil {
		return err
	}
	var ready []string
	defer func() {
		for _, name := range ready {
			_ = t.Remove(half(name)) // not there once it is in its place
		}
	}()
	for _, f := range files {
		if !f.State.Writes() {
			continue
		}
		if err := t.prepare(f); err != nil {
			return err
		}
		ready = append(ready, f.Path)
	}
	for _, name := range ready {
		if err := t.Rename(half(name), filepath.FromSlash(name)); err != nil {
			return unwritable(err)
		}
	}
	for _, f := range files {
		word := stateWords[f.State]
		if f.State.Writes() {
			word = "wrote"
		}
		s.tell(word, f)
	}
	return nil
}

// agree asks about every file that would be overwritten; what may be becomes Absent.
func (s *session) agree(ctx context.Context, files []scaffold.File, force bool) error {
	asks := term.Typed(s.Stdin)
	answers := bufio.NewReader(io.LimitReader(s.Stdin, 4096))
	var differ []string
	for i, f := range files {
		if f.State != scaffold.Differs {
			continue
		}
		yes := force
		if !yes && asks {
			var err error
			if yes, err = s.ask(ctx, answers, "overwrite "+plain.Line(f.Path)+"?"); err != nil {
				return err
			}
		} else if !yes {
			differ = append(differ, plain.Line(f.Path))
		}
		if yes {
			files[i].State = scaffold.Absent
		}
	}
	if len(differ) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "not overwritten, because nobody is here to ask: %s", strings.Join(differ, ", ")).
		WithFix("--force overwrites it, --print shows what would be written")
}

// ask waits for a line. Everything but y or yes is no.
func (s *session) ask(ctx context.Context, answers *bufio.Reader, question string) (bool, error) {
	s.screen().Close()
	fmt.Fprintf(s.Stderr, "%s [y/N] ", question)
	said := make(chan string, 1)
	go func() {
		line, _ := answers.ReadString('\n')
		said <- line
	}()
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case line := <-said:
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes", nil
	}
}

// half is where a file is until it is whole.
func half(name string) string { return filepath.FromSlash(name) + ".slipway-new" }

// prepare writes a file beside its place, with the rights of the one that is there.
func (t tree) prepare(f scaffold.File) error {
	mode := fs.FileMode(0o644)
	there, err := t.straight(f.Path)
	if err != nil {
		return err
	}
	if there {
		info, err := t.Lstat(filepath.FromSlash(f.Path))
		if err != nil {
			return unwritable(err)
		}
		mode = info.Mode().Perm()
	}
	name := half(f.Path)
	if err := t.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return unwritable(err)
	}
	// What an init left that was killed, or a link that somebody put there.
	if err := t.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(err)
	}
	file, err := t.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return unwritable(err)
	}
	_, err = file.WriteString(f.Text)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(unwritable(err), t.Remove(name))
	}
	return nil
}
