package cli

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/scaffold"
)

// facts are what scaffold has to know of a repository.
func (s *session) facts(p *project.Project, b beginning) (scaffold.Facts, error) {
	within := func(dir string) string {
		rel, err := filepath.Rel(p.TreeRoot, dir)
		if err != nil {
			return "."
		}
		return filepath.ToSlash(rel)
	}
	f := scaffold.Facts{Folder: within(p.Root), Module: p.ModulePath, Copy: hasCopy(p.Root), Port: pins.Ports(p.Root)}
	for _, dir := range p.ModuleFolders {
		if isRegular(filepath.Join(dir, "go.mod")) {
			f.Modules = append(f.Modules, within(dir))
		}
	}
	if p.Workspace != "" {
		f.Workspace = within(filepath.Dir(p.Workspace))
	}
	pinned, err := pins.Read(p.Root)
	if err != nil {
		return f, err
	}
	f.Pins = pinned.From != pins.Embedded
	kept, err := configured(p)
	if err != nil {
		return f, err
	}
	if f.Main, err = programs(p, b.main, kept.Main); err != nil {
		return f, err
	}
	f.Configured = len(kept.Main) > 0
	if f.Settings, err = settings(b, kept); err != nil {
		return f, err
	}
	if f.Target, err = target(p, f.Folder, b.target); err != nil {
		return f, err
	}
	if f.Branch = branch(p.Refs, b.branch); !project.IsRef("refs/heads/" + f.Branch) {
		return f, fault.New(fault.Usage, "%q is no name of a branch", f.Branch).WithFix("name the one to publish: --branch main")
	}
	if b.dagger {
		f.Dagger = dagger.Release
	}
	if !f.Copy {
		f.Action, err = chooseAction(b.action)
	}
	return f, err
}

// settings are those that no source shows, in a flag or in the configuration file.
func settings(b beginning, kept *config.Said) ([]scaffold.Setting, error) {
	var all []scaffold.Setting
	add := func(key string, said, kept []string) {
		if len(said) == 0 {
			said = kept
		}
		if len(said) > 0 {
			all = append(all, scaffold.Setting{Key: key, Values: said, Configured: slices.Equal(said, kept)})
		}
	}
	add("smoke-args", b.smokeArgs, kept.SmokeArgs)
	if b.budget != "" {
		if _, err := config.ParseSize(b.budget); err != nil {
			return nil, fault.New(fault.Usage, "--budget: %s", err)
		}
	}
	if budget := cmp.Or(b.budget, kept.Budget); budget != "" {
		add("budget", []string{budget}, []string{kept.Budget})
	}
	return all, nil
}

// configured is what the configuration file says.
func configured(p *project.Project) (*config.Said, error) {
	file, err := config.ReadFile(p.Root)
	if err != nil {
		return nil, err
	}
	return config.Gather(file, func(string) string { return "" }, nil)
}

// programs are those that somebody has to name, because there are several: in a flag, in
// the configuration file, or by calling one like the module.
func programs(p *project.Project, said, kept []string) ([]string, error) {
	if len(said) == 0 {
		said = kept
	}
	if m, ok := p.Namesake(); ok && len(said) == 0 && len(p.Mains) > 1 {
		said = []string{m.Dir}
	}
	if _, err := p.Select(said); err != nil || len(p.Mains) == 1 {
		return nil, err
	}
	return said, nil
}

func target(p *project.Project, folder, said string) (string, error) {
	if said == "" {
		said = scaffold.Target(p.Refs.Remote, folder)
	}
	if said == "" {
		return "", fault.New(fault.Usage, "nobody said where to publish, and git has no remote on GitHub to tell").
			WithFix("name a repository, such as --target ghcr.io/team/server")
	}
	if !config.IsRepository(said) {
		return "", fault.New(fault.Usage, "%q is no repository to publish to", said).
			WithFix("name one with its registry and without a tag, such as --target ghcr.io/team/server")
	}
	return said, nil
}

func branch(refs project.Refs, said string) string {
	for _, name := range []string{said, refs.DefaultBranch} {
		if name != "" {
			return name
		}
	}
	// Whoever is on a branch of a feature does not publish that one.
	if refs.Head == "refs/heads/master" {
		return "master"
	}
	return "main"
}

// hasCopy tells whether the repository has Slipway itself.
func hasCopy(root string) bool {
	for _, name := range []string{"ci/main.go", "ci/cli/cli.go", "ci/tool/trivy.mod"} {
		if !isRegular(filepath.Join(root, filepath.FromSlash(name))) {
			return false
		}
	}
	return true
}

func isRegular(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// chooseAction is the action that somebody named, else that of the commit which this
// program was built from.
func chooseAction(said string) (scaffold.Action, error) {
	if said != "" {
		return scaffold.ParseAction(said)
	}
	settings := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	if len(settings["vcs.revision"]) != 40 || settings["vcs.modified"] != "false" {
		return scaffold.Action{}, fault.New(fault.Usage, "this program does not know the commit that it was built from, which the workflow names").
			WithFix("say it: --action %s@COMMIT with all 40 digits, or build Slipway from a clean clone", scaffold.Repository)
	}
	ref := scaffold.Repository + "@" + settings["vcs.revision"]
	if a, err := scaffold.ParseAction(ref + "#" + info.Main.Version); err == nil {
		return a, nil
	}
	return scaffold.ParseAction(ref)
}
