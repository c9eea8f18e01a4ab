package project

import (
	"context"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"

	"example.com/slipway/ci/fault"
)

// readWorkspace reads the go.work that the go command would take, but none from
// above the tree: what lies there does not come with a clone.
func (p *Project) readWorkspace(ctx context.Context) error {
	name := p.findWorkspace()
	if name == "" {
		return nil
	}
	text, err := p.readModuleFile(name)
	if err != nil {
		return err
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return wrongLines(name, err)
	}
	dirs, err := p.usedFolders(name, work)
	if err != nil {
		return err
	}
	if p.ModuleDir != "" && !slices.Contains(dirs, p.Root) {
		p.note("%s does not use this module, so it is not in effect", shown(name))
		return nil
	}
	if err := p.checkReplaces(name, work.Replace); err != nil {
		return err
	}
	p.Workspace = name
	p.Vendor = p.vendored(filepath.Dir(name))
	p.Toolchain = toolchainName(work.Toolchain)
	// A go.work without a go line is one of Go 1.18: https://go.dev/ref/mod#go-work-file-go
	p.needGo(work.Go, "1.18")
	if len(dirs) == 0 {
		return fault.New(fault.Usage, "%s uses no module", shown(name)).WithFix("name one: go work use ./service")
	}
	return p.readUsed(ctx, dirs)
}

// findWorkspace returns the nearest go.work from Root up to TreeRoot, or "".
func (p *Project) findWorkspace() string {
	for dir := p.Root; ; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, "go.work")
		if exists(name) {
			if within(p.TreeRoot, dir) {
				return name
			}
			p.note("%s lies outside %s and is not used, unlike by a plain go build", shown(name), p.tree())
			return ""
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// usedFolders resolves the use lines of a go.work.
func (p *Project) usedFolders(name string, work *modfile.WorkFile) ([]string, error) {
	var dirs []string
	for _, u := range work.Use {
		dir := fromFile(name, u.Path)
		if !within(p.TreeRoot, dir) {
			return nil, fault.New(fault.Usage, "%s:%d: the workspace uses %s, which lies outside %s", shown(name), u.Syntax.Start.Line,
				shown(u.Path), p.tree()).
				WithFix("put both into one git repository, or take the line out of go.work")
		}
		if !exists(filepath.Join(dir, "go.mod")) {
			return nil, fault.New(fault.Usage, "%s:%d: the workspace uses %s, which has no go.mod", shown(name), u.Syntax.Start.Line,
				shown(u.Path)).WithFix("take the line out of go.work")
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

// readUsed reads the modules of the workspace. The replace lines of all of them
// count; programs are taken from those inside Root.
func (p *Project) readUsed(ctx context.Context, dirs []string) error {
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if dir == p.Root && p.ModuleDir == p.Root {
			continue // read already
		}
		mod, err := p.readMod(filepath.Join(dir, "go.mod"))
		if err != nil {
			return err
		}
		p.takeModule(dir, mod)
	}
	return nil
}
