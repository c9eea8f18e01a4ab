package config

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/source"
)

// maxFiles bounds how many files a user can add to an image: a folder named by
// mistake is found before it is packed.
const maxFiles = 100_000

// files lists what the user adds to the image, with the digest of each content, so
// that the plan decides the bytes.
func (p *Plan) files(ctx context.Context, in Input) error {
	for _, place := range slices.Sorted(maps.Keys(in.Said.Files)) {
		from := in.Said.Files[place]
		if !path.IsAbs(place) || path.Clean(place) != place || place == "/" || control.MatchString(place) {
			return p.wrong("files", place, "an absolute place in the image, such as /srv/web=./web")
		}
		name := filepath.Join(in.Project.Root, filepath.FromSlash(from))
		if filepath.IsAbs(filepath.FromSlash(from)) || !source.Within(in.Project.Root, name) {
			return p.wrong("files", from, "a file or folder inside the source folder")
		}
		real, err := filepath.EvalSymlinks(name)
		if err != nil {
			return fault.New(fault.Usage, "%s: reading %s: %v", p.place("files"), from, err).WithFix("name a file or folder that is there")
		}
		if !source.Within(in.Project.Root, real) {
			return p.outside(name, real)
		}
		if err := p.walk(ctx, in, strings.TrimPrefix(place, "/"), real); err != nil {
			return err
		}
	}
	slices.SortFunc(p.Image.Files, func(a, b plan.File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range p.Image.Files {
		if i > 0 && f.Path == p.Image.Files[i-1].Path {
			return p.wrong("files", "/"+f.Path, "each place once")
		}
	}
	for _, f := range p.Image.Files {
		for _, m := range p.Image.Mains {
			if f.Path == m.Path() {
				return p.wrong("files", "/"+f.Path, "another place: the program is there")
			}
		}
	}
	return nil
}

func (p *Plan) walk(ctx context.Context, in Input, place, name string) error {
	return filepath.WalkDir(name, func(file string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fault.New(fault.Usage, "%s: reading %s: %v", p.place("files"), file, err).WithFix("name a file or folder that is there")
		}
		if len(p.Image.Files) >= maxFiles {
			return fault.New(fault.Usage, "%s: there are more than %d files in %s", p.place("files"), maxFiles, name).WithFix("name a smaller folder")
		}
		added, err := p.file(in, file, d)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(name, file)
		if err != nil {
			return fmt.Errorf("placing %s: %w", file, err)
		}
		added.Path = path.Join(place, filepath.ToSlash(rel))
		p.Image.Files = append(p.Image.Files, added)
		return nil
	})
}

// file describes one entry: its content and its x-bit, nothing else of its mode.
func (p *Plan) file(in Input, name string, d fs.DirEntry) (plan.File, error) {
	rel, err := filepath.Rel(in.Project.Root, name)
	if err != nil {
		return plan.File{}, fmt.Errorf("placing %s: %w", name, err)
	}
	f := plan.File{Source: filepath.ToSlash(rel)}
	switch {
	case d.IsDir():
		f.Folder = true
	case d.Type()&fs.ModeSymlink != 0:
		f.Link, err = p.link(in, name)
	case d.Type().IsRegular():
		var info fs.FileInfo
		if info, err = d.Info(); err == nil {
			f.Executable = info.Mode().Perm()&0o111 != 0
			f.SHA256, err = source.HashFile(name, in.Project.Root)
		}
	default:
		err = fault.New(fault.Usage, "%s: %s is neither a file, a folder nor a link", p.place("files"), rel).WithFix("remove it, or name the files one by one")
	}
	return f, err
}

func (p *Plan) outside(name, target string) error {
	return fault.New(fault.Usage, "%s: the link %s leads to %s, out of the source folder", p.place("files"), name, target).
		WithFix("put a copy in its place")
}

// link takes a symbolic link over if it leads to something inside the source folder.
func (p *Plan) link(in Input, name string) (string, error) {
	target, err := os.Readlink(name)
	if err != nil {
		return "", fmt.Errorf("reading the link %s: %w", name, err)
	}
	if filepath.IsAbs(target) || !source.Within(in.Project.Root, filepath.Join(filepath.Dir(name), target)) {
		return "", p.outside(name, target)
	}
	if real, err := filepath.EvalSymlinks(name); err != nil || !source.Within(in.Project.Root, real) {
		return "", p.outside(name, real)
	}
	return filepath.ToSlash(target), nil
}
