package project

import (
	"context"
	"path/filepath"
	"slices"

	"example.com/slipway/ci/fault"
)

// How far a folder without go.mod is searched for one: enough for a hint.
const (
	searchDepth   = 3
	searchFolders = 500
)

// noModule says that there is no go.mod, and where the nearest one is.
func (p *Project) noModule(ctx context.Context) error {
	err := fault.New(fault.Usage, "there is no go.mod in %s", shown(p.Root))
	for dir := p.Root; dir != p.TreeRoot; {
		dir = filepath.Dir(dir)
		if exists(filepath.Join(dir, "go.mod")) {
			return err.WithFix("its module is in %s: --src %s --main ./%s", shown(dir), shown(dir), shown(relative(dir, p.Root)))
		}
	}
	below, cause := p.modulesBelow(ctx)
	switch {
	case cause != nil:
		return cause
	case len(below) == 1:
		return err.WithFix("there is one in %s: --src names it", shown(below[0]))
	case len(below) > 1:
		return err.WithFix("name the folder of one module: --src %s", shown(below[0])).WithDetail(below...)
	}
	return err.WithFix("--src names the folder of the service's module; go mod init makes one")
}

// modulesBelow returns a few folders below Root that have a go.mod, the nearest first.
func (p *Project) modulesBelow(ctx context.Context) ([]string, error) {
	const most = 10
	var found []string
	level := []string{p.Root}
	for depth, seen := 0, 0; depth <= searchDepth && len(level) > 0; depth++ {
		var next []string
		for _, dir := range level {
			if seen++; seen > searchFolders || len(found) == most {
				return found, nil
			}
			if exists(filepath.Join(dir, "go.mod")) {
				found = append(found, dir)
			}
			entries, err := list(ctx, dir)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err != nil {
				continue
			}
			for _, e := range entries {
				if e.IsDir() && !neverSource(e.Name()) {
					next = append(next, filepath.Join(dir, e.Name()))
				}
			}
		}
		slices.Sort(next)
		level = next
	}
	return found, nil
}
