// Package project reads a source folder and says what is in it: modules, programs
// and what git knows of them. The folder may be hostile: everything is read within
// bounds, nothing but regular files is opened, and nothing is started but git, and
// git only for plumbing that executes nothing from the repository's configuration.
package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/slipway/ci/fault"
)

// Options say what to read.
type Options struct {
	// Dir is the source folder. The default is the working directory.
	Dir string
	// Git is the git program. The default is the one on the PATH of Env.
	Git string
	// Env is the user's environment, as os.Environ gives it.
	Env []string
}

// Project is what a source folder holds.
type Project struct {
	// Root is the source folder: absolute, with links resolved.
	Root string
	// TreeRoot is the folder that all sources must lie in: the git repository's, or
	// Root where there is none.
	TreeRoot string
	// ModuleDir is the folder of the module, which is Root, and ModulePath what its
	// go.mod calls it. In a folder that has a go.work and no go.mod it is the first
	// module that the workspace uses.
	ModuleDir, ModulePath string
	// ModuleFolders are the folders of all modules whose go.mod has a say in which
	// versions are built: the source folder's, the workspace's, local replacements.
	// A replacement's folder may be missing.
	ModuleFolders []string
	// GoVersion is the newest go line of the modules and the workspace, 1.26.0.
	// Toolchain is the toolchain line of the workspace in effect, else of the module,
	// go1.26.9, or "".
	GoVersion, Toolchain string
	// Workspace is the go.work in effect, or "".
	Workspace string
	// Vendor says that modules come from a vendor folder.
	Vendor bool
	// Mains are the programs in the source folder, sorted by folder.
	Mains []Main
	Git   Git
	Refs  Refs
	// Notes are sentences for the user, without a final full stop.
	Notes []string

	// modules are those whose programs count: the main module and those in Root
	// that the workspace uses.
	modules []moduleRoot
	// repo is nil without git.
	repo *repository
	// passedOver says of folders with package main why they are no Mains.
	passedOver map[string]string
	// broken are Go files whose package clause cannot be read, at most a few.
	broken []string
}

// Main is a folder with package main.
type Main struct {
	// Dir is the folder relative to Root, "." or "./cmd/server".
	Dir string
	// Package is its import path.
	Package string
	// Name is the name that go build gives its binary.
	Name string
}

// Read reads a source folder. Errors that the user can act on are *fault.Error of
// kind Usage.
func Read(ctx context.Context, o Options) (*Project, error) {
	root, err := resolve(o.Dir)
	if err != nil {
		return nil, err
	}
	p := &Project{Root: root, TreeRoot: root, passedOver: map[string]string{}}
	gitRoot := findGitRoot(root)
	if gitRoot != "" {
		p.TreeRoot = gitRoot
	}
	if err := p.readModules(ctx); err != nil {
		return nil, err
	}
	if err := p.readMains(ctx); err != nil {
		return nil, err
	}
	if err := p.readGit(ctx, o, gitRoot); err != nil {
		return nil, err
	}
	return p, nil
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the source folder %s: %w", shown(dir), err)
	}
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Usage, format, args...).WithFix("--src names the source folder")
	}
	root, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return "", refuse("there is no folder %s", shown(abs))
	}
	if err != nil {
		return "", refuse("the source folder %s cannot be read: %v", shown(abs), reason(err))
	}
	info, err := os.Stat(root)
	if err != nil {
		return "", refuse("the source folder %s cannot be read: %v", shown(abs), reason(err))
	}
	if !info.IsDir() {
		return "", refuse("%s is not a folder", shown(abs))
	}
	return root, nil
}

func (p *Project) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}
