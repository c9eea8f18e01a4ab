package project

import (
	"context"
	"errors"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"example.com/slipway/ci/fault"
)

// moduleLimit bounds go.mod and go.work, in bytes: as much as the go command reads.
const moduleLimit = 16 << 20

// moduleRoot is a module whose programs count.
type moduleRoot struct {
	// dir is absolute, with links resolved.
	dir  string
	path string
	// ignore are the paths of go.mod's ignore lines.
	ignore []string
}

func (p *Project) readModules(ctx context.Context) error {
	name := filepath.Join(p.Root, "go.mod")
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if !exists(filepath.Join(p.Root, "go.work")) {
			return p.noModule(ctx)
		}
		return p.readWorkspace(ctx)
	}
	mod, err := p.readMod(name)
	if err != nil {
		return err
	}
	p.takeModule(p.Root, mod)
	p.Toolchain = toolchainName(mod.Toolchain)
	// Before Go 1.14 a vendor folder counted only where -mod=vendor said so.
	p.Vendor = p.vendored(p.Root) && (mod.Go == nil || version.Compare("go"+mod.Go.Version, "go1.14") >= 0)
	return p.readWorkspace(ctx)
}

// vendored tells whether modules come from the vendor folder. A module's zip has
// the list of it but not the packages: https://go.dev/ref/mod#vendoring
func (p *Project) vendored(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "vendor", "modules.txt"))
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if list, err := os.ReadDir(filepath.Join(dir, "vendor")); err == nil && len(list) == 1 && info.Size() > 0 {
		p.note("the vendor folder has nothing but modules.txt: modules come from the module proxy")
		return false
	}
	return true
}

// takeModule adds a module. The first one gives the project its name.
func (p *Project) takeModule(dir string, mod *modfile.File) {
	if p.ModuleDir == "" {
		p.ModuleDir, p.ModulePath = dir, mod.Module.Mod.Path
	}
	if within(p.Root, dir) {
		p.modules = append(p.modules, rootOf(dir, mod))
	}
	// A go.mod without a go line is one of Go 1.16: https://go.dev/ref/mod#go-mod-file-go
	p.needGo(mod.Go, "1.16")
}

func (p *Project) addFolder(dir string) {
	if !slices.Contains(p.ModuleFolders, dir) {
		p.ModuleFolders = append(p.ModuleFolders, dir)
	}
}

// needGo keeps the newest of the go lines.
func (p *Project) needGo(line *modfile.Go, without string) {
	need := without
	if line != nil {
		need = line.Version
	}
	if version.Compare("go"+need, "go"+p.GoVersion) > 0 {
		p.GoVersion = need
	}
}

// toolchainName returns the release that a toolchain line suggests, or "".
func toolchainName(line *modfile.Toolchain) string {
	if line == nil || line.Name == "default" {
		return ""
	}
	return line.Name
}

func rootOf(dir string, mod *modfile.File) moduleRoot {
	m := moduleRoot{dir: dir, path: mod.Module.Mod.Path}
	for _, i := range mod.Ignore {
		m.ignore = append(m.ignore, i.Path)
	}
	return m
}

// readMod reads the go.mod of a module that is being built, whose replace lines count.
func (p *Project) readMod(name string) (*modfile.File, error) {
	text, err := p.readModuleFile(name)
	if err != nil {
		return nil, err
	}
	p.addFolder(filepath.Dir(name))
	mod, err := modfile.Parse(name, text, nil)
	if err != nil {
		return nil, wrongLines(name, err)
	}
	if mod.Module == nil {
		return nil, fault.New(fault.Usage, "%s has no module line", shown(name)).WithFix("add one: module example.com/service")
	}
	if err := module.CheckImportPath(mod.Module.Mod.Path); err != nil {
		return nil, fault.New(fault.Usage, "%s:%d: the module has no valid path: %s", shown(name), mod.Module.Syntax.Start.Line, shown(err.Error())).
			WithFix("give it one like example.com/service").WithCause(err)
	}
	return mod, p.checkReplaces(name, mod.Replace)
}

func (p *Project) readModuleFile(name string) ([]byte, error) {
	text, err := p.readRegular(name, moduleLimit)
	if err != nil {
		return nil, fault.New(fault.Usage, "%s cannot be read: %v", shown(name), reason(err)).
			WithFix("make it a readable text file in the source tree").WithCause(err)
	}
	return text, nil
}

// wrongLines makes a sentence of the first mistake that the parser found, which it
// begins with file and line; the others are its detail.
func wrongLines(name string, err error) error {
	const most = 10
	list, ok := errors.AsType[modfile.ErrorList](err)
	if !ok || len(list) == 0 {
		return fault.New(fault.Usage, "%s", shown(err.Error())).WithFix("correct %s", filepath.Base(name)).WithCause(err)
	}
	var rest []string
	for _, e := range list[1:min(len(list), most)] {
		rest = append(rest, shown(e.Error()))
	}
	first := list[0]
	return fault.New(fault.Usage, "%s", shown(first.Error())).WithFix("correct %s", filepath.Base(name)).
		WithDetail(rest...).WithCause(&first)
}

// checkReplaces lets a module be replaced by a folder beside it, not by one outside
// the tree, which no other machine has.
func (p *Project) checkReplaces(file string, list []*modfile.Replace) error {
	for _, r := range list {
		if r.New.Version != "" {
			continue
		}
		dir := fromFile(file, r.New.Path)
		// The go command reads its go.mod, and quotes it when it is malformed.
		if within(p.TreeRoot, dir) && within(p.TreeRoot, resolveAsFar(filepath.Join(dir, "go.mod"))) {
			p.addFolder(dir)
			continue
		}
		return fault.New(fault.Usage, "%s:%d: %s is replaced by %s, which lies outside %s", shown(file), r.Syntax.Start.Line,
			shown(r.Old.Path), shown(r.New.Path), p.tree()).
			WithFix("put both into one git repository, or require a released version of that module")
	}
	return nil
}

// fromFile resolves a path that a go.mod or go.work names, which is relative to
// that file.
func fromFile(file, name string) string {
	name = filepath.FromSlash(name)
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(file), name)
	}
	return resolveAsFar(name)
}

// tree says in words what bounds the sources.
func (p *Project) tree() string {
	if p.TreeRoot == p.Root {
		return "the source folder " + shown(p.Root)
	}
	return "the git repository " + shown(p.TreeRoot)
}
