package project

import (
	"errors"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"example.com/slipway/ci/fault"
)

// moduleLimit bounds go.mod and go.work, in bytes.
const moduleLimit = 16 << 20

// readModules reads the module of the source folder and the workspace that it is
// in. A folder that has a workspace and no module of its own stands for all modules
// of the workspace.
func (p *Project) readModules() error {
	p.modules = map[string]string{}
	err := p.readModule(p.Root)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	if err := p.findWorkspace(); err != nil {
		return err
	}
	if len(p.modules) == 0 {
		return p.noModule()
	}
	top := p.Root
	if p.Workspace != "" {
		top = filepath.Dir(p.Workspace)
	}
	_, err = os.Lstat(filepath.Join(top, "vendor", "modules.txt"))
	p.Vendor = err == nil
	return nil
}

// readModule reads one go.mod. The first that is read gives the project its name.
func (p *Project) readModule(dir string) error {
	name := filepath.Join(dir, "go.mod")
	text, err := readFile(name, moduleLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return fault.New(fault.Usage, "reading %s: %v", name, err).WithFix("make it a readable file")
	}
	mod, err := modfile.Parse(name, text, nil)
	if err != nil {
		return fault.New(fault.Usage, "%v", err).WithFix("correct go.mod")
	}
	if mod.Module == nil {
		return fault.New(fault.Usage, "%s has no module line", name).WithFix("correct go.mod")
	}
	p.modules[dir] = mod.Module.Mod.Path
	p.ModuleFolders = append(p.ModuleFolders, dir)
	if p.ModulePath == "" {
		p.ModuleDir, p.ModulePath = dir, mod.Module.Mod.Path
	}
	// Without a go line a module is of Go 1.16: https://go.dev/ref/mod#go-mod-file-go
	p.needGo("1.16")
	if mod.Go != nil {
		p.needGo(mod.Go.Version)
	}
	if mod.Toolchain != nil && mod.Toolchain.Name != "default" && p.Toolchain == "" {
		p.Toolchain = mod.Toolchain.Name
	}
	return p.checkReplaces(name, mod.Replace)
}

// needGo keeps the newest go line of all modules.
func (p *Project) needGo(v string) {
	if version.Compare("go"+v, "go"+p.GoVersion) > 0 {
		p.GoVersion = v
	}
}

func (p *Project) noModule() error {
	err := fault.New(fault.Usage, "there is no go.mod in %s", p.Root)
	for dir := p.Root; within(p.TreeRoot, filepath.Dir(dir)) && filepath.Dir(dir) != dir; {
		dir = filepath.Dir(dir)
		if _, found := os.Stat(filepath.Join(dir, "go.mod")); found == nil {
			return err.WithFix("its module is in %s: --src %s --main ./%s", dir, dir, p.relative(dir, p.Root))
		}
	}
	if below, _ := filepath.Glob(filepath.Join(p.Root, "*", "go.mod")); len(below) > 0 {
		return err.WithFix("there is one in %s: --src names it", filepath.Dir(below[0]))
	}
	return err.WithFix("--src names the folder of the service's module; go mod init makes one")
}

// checkReplaces lets a module be replaced by a folder beside it, not by one outside
// the repository, which nobody else has.
func (p *Project) checkReplaces(file string, list []*modfile.Replace) error {
	for _, r := range list {
		if r.New.Version != "" {
			continue
		}
		dir := filepath.FromSlash(r.New.Path)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(file), dir)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		if !within(p.TreeRoot, dir) {
			return fault.New(fault.Usage, "%s:%d: %s is replaced by %s, which lies outside %s", file, r.Syntax.Start.Line, r.Old.Path, r.New.Path, p.TreeRoot).
				WithFix("move that module into the repository, or require a released version of it")
		}
		p.ModuleFolders = append(p.ModuleFolders, dir)
	}
	return nil
}

// findWorkspace looks for the go.work that the go command would take, up to the
// root of the repository.
func (p *Project) findWorkspace() error {
	for dir := p.Root; ; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, "go.work")
		text, err := readFile(name, moduleLimit)
		if err == nil {
			return p.readWorkspace(name, text)
		}
		if dir == p.TreeRoot || dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (p *Project) readWorkspace(name string, text []byte) error {
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return fault.New(fault.Usage, "%v", err).WithFix("correct go.work")
	}
	var dirs []string
	for _, u := range work.Use {
		dir := filepath.FromSlash(u.Path)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(name), dir)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		if !within(p.TreeRoot, dir) {
			return fault.New(fault.Usage, "%s:%d: %s lies outside %s", name, u.Syntax.Start.Line, u.Path, p.TreeRoot).
				WithFix("take it out of go.work")
		}
		dirs = append(dirs, dir)
	}
	_, own := p.modules[p.Root]
	if own && !slices.Contains(dirs, p.Root) || !own && filepath.Dir(name) != p.Root {
		p.Notes = append(p.Notes, fmt.Sprintf("%s does not use this module, so it is not in effect", name))
		return nil
	}
	p.Workspace = name
	for _, dir := range dirs {
		if _, known := p.modules[dir]; known {
			continue
		}
		if err := p.readModule(dir); errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Usage, "%s uses %s, which has no go.mod", name, dir).WithFix("take it out of go.work")
		} else if err != nil {
			return err
		}
	}
	if work.Go != nil {
		p.needGo(work.Go.Version)
	}
	return p.checkReplaces(name, work.Replace)
}

// readFile reads a regular file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("it is not a regular file of at most %d bytes", limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func within(tree, name string) bool {
	rel, err := filepath.Rel(tree, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (p *Project) relative(from, to string) string {
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return to
	}
	return filepath.ToSlash(rel)
}
