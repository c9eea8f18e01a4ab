// Package project reads a source folder and says what is in it: modules, programs
// and what git knows. It starts nothing but git, and git only for plumbing that
// executes nothing from the repository's own configuration.
package project

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/slipway/ci/fault"
)

// Options say what to read.
type Options struct {
	// Dir is the source folder.
	Dir string
	// Env is the user's environment, as os.Environ gives it.
	Env []string
}

// Project is what a source folder holds.
type Project struct {
	// Root is the source folder: absolute, with links resolved.
	Root string
	// TreeRoot is the folder that all sources must lie in: git's root, or Root.
	TreeRoot string
	// ModuleDir is the folder of the module, ModulePath what it calls itself. In a
	// workspace without a module of its own it is the first that the workspace uses.
	ModuleDir, ModulePath string
	// ModuleFolders are the folders of all modules whose go.mod has a say in which
	// versions are built: the source folder's, the workspace's, local replacements.
	ModuleFolders []string
	// GoVersion is the newest go line of the modules, such as 1.26.0, and Toolchain
	// the first toolchain line, such as go1.26.9.
	GoVersion, Toolchain string
	// Workspace is the go.work in effect, or "".
	Workspace string
	// Vendor says that modules come from a vendor folder.
	Vendor bool
	// Mains are the programs in the source folder, sorted by folder.
	Mains []Main
	Git   Git
	// Notes are sentences for the user.
	Notes []string

	repo    *repository
	modules map[string]string // paths by folder
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
	p := &Project{Root: root, TreeRoot: root}
	if err := p.readGit(ctx, o); err != nil {
		return nil, err
	}
	if err := p.readModules(); err != nil {
		return nil, err
	}
	if err := p.readMains(ctx); err != nil {
		return nil, err
	}
	if err := p.readIdentity(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.Usage, "there is no folder %s", dir).WithFix("--src names the source folder")
	}
	if err != nil {
		return "", fault.New(fault.Usage, "opening the source folder: %v", err).WithFix("--src names the source folder")
	}
	info, err := os.Stat(root)
	if err != nil || !info.IsDir() {
		return "", fault.New(fault.Usage, "%s is not a folder", dir).WithFix("--src names the source folder")
	}
	return root, nil
}
