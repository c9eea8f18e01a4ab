package project

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
)

// All chooses every program of a source folder.
const All = "all"

// Select returns the programs that a user named, in that order and each once: by
// folder, ./cmd/x or cmd/x, by import path, or all of them. Without a name it is
// the only one. Its errors are of kind Usage.
func (p *Project) Select(named []string) ([]Main, error) {
	switch {
	case len(named) == 0 && len(p.Mains) > 1:
		return nil, fault.New(fault.Usage, "there are %d programs in %s: %s", len(p.Mains), shown(p.Root), p.names()).
			WithFix("choose with --main %s, or with --main %s", shown(p.likely().Dir), All).WithDetail(p.folders()...)
	case (len(named) == 0 || slices.Equal(named, []string{All})) && len(p.Mains) > 0:
		return slices.Clone(p.Mains), nil
	case len(named) == 0 || slices.Equal(named, []string{All}):
		return nil, p.noMain()
	}
	var chosen []Main
	for _, name := range named {
		m, err := p.find(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(chosen, m) {
			chosen = append(chosen, m)
		}
	}
	return chosen, nil
}

// likely is the program that is named as the module is, else the first.
func (p *Project) likely() Main {
	if m, ok := p.Namesake(); ok {
		return m
	}
	return p.Mains[0]
}

// Namesake is the program that is named as the module is.
func (p *Project) Namesake() (Main, bool) {
	name := binaryName(p.ModulePath)
	i := slices.IndexFunc(p.Mains, func(m Main) bool { return m.Name == name })
	if i < 0 {
		return Main{}, false
	}
	return p.Mains[i], true
}

func (p *Project) noMain() error {
	err := fault.New(fault.Usage, "there is no package main for linux in %s", shown(p.Root))
	if len(p.broken) > 0 {
		return err.WithFix("correct %s", p.broken[0]).WithDetail(p.broken...)
	}
	if len(p.passedOver) > 0 {
		var tools []string
		for dir, why := range p.passedOver {
			tools = append(tools, shown(dir)+" "+why)
		}
		slices.Sort(tools)
		return err.WithFix("%s", tools[0]).WithDetail(tools...)
	}
	return err.WithFix("Slipway builds programs: --src names the folder of a service's module")
}

// find returns the program that one --main names.
func (p *Project) find(name string) (Main, error) {
	if why := malformed(name); why != "" {
		return Main{}, p.refuse(name, why)
	}
	dir := filepath.Clean(filepath.FromSlash(name))
	if filepath.IsAbs(dir) {
		return Main{}, p.refuse(name, "is not relative to the source folder "+shown(p.Root))
	}
	if !filepath.IsLocal(dir) {
		return Main{}, p.refuse(name, "lies outside the source folder "+shown(p.Root))
	}
	slash := filepath.ToSlash(dir)
	for _, m := range p.Mains {
		if path.Clean(m.Dir) == slash {
			return m, nil
		}
	}
	for _, m := range p.Mains {
		if m.Package == name {
			return m, nil
		}
	}
	if slash != "." {
		slash = "./" + slash
	}
	switch why := p.passedOver[slash]; {
	case why != "":
		return Main{}, p.refuse(name, why)
	case strings.Contains(name, "..."):
		return Main{}, p.refuse(name, "is a pattern, not one folder")
	case strings.HasSuffix(name, ".go"):
		return Main{}, p.refuse(name, "is a file, not a folder")
	}
	return Main{}, p.refuse(name, "has no package main for linux")
}

// malformed says why a name cannot be that of a program, or "".
func malformed(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.HasPrefix(name, "-"):
		return "begins like a flag"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has control characters"
	case name == All:
		return "stands alone or not at all"
	}
	return ""
}

func (p *Project) refuse(name, why string) error {
	err := fault.New(fault.Usage, "--main %q %s", shorten(name), why)
	if len(p.Mains) == 0 {
		return err.WithFix("name a folder with package main; %s has none for linux", shown(p.Root))
	}
	return err.WithFix("name a folder with package main: %s", p.names()).WithDetail(p.folders()...)
}

// names lists the first few programs in one line.
func (p *Project) names() string {
	const most = 6
	list := p.folders()
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

func (p *Project) folders() []string {
	var list []string
	for _, m := range p.Mains {
		list = append(list, shown(m.Dir))
	}
	return list
}
