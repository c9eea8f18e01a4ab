// Package scaffold makes the files that a repository needs to have its image checked
// and published by Slipway on GitHub. It reads nothing and writes nothing: it is told
// what is there, and says what should be.
//
// A workflow is Slipway's own, and is written again as a whole. What people write by
// hand, such as .slipway.yaml, is made where it is missing and never changed after.
package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Repository is where the action is published: others name it in their workflows.
const Repository = "example/slipway"

// Facts are what is known of a repository. Their texts come from its source.
type Facts struct {
	// Folder is the source folder, as a slash path from the repository's root.
	Folder string
	// Module is the path of its module.
	Module string
	// Modules are the folders, from the root, of all modules that the image is made of.
	Modules []string
	// Workspace is the folder, from the root, of the go.work in effect, or empty.
	Workspace string
	// Main names the programs to build; it is empty where there is no choice.
	Main []string
	// Port are those that the program is known to listen on.
	Port []string
	// Configured says that the configuration file names the programs already.
	Configured bool
	// Settings are what somebody says of the service beside that.
	Settings []Setting
	// Target is the repository of the image, Branch the one that is published.
	Target, Branch string
	// Action is Slipway's, unless there is a Copy in the folder ci.
	Action Action
	Copy   bool
	// Pins says that a Dockerfile in the source folder has the pins.
	Pins bool
	// Dagger is the release of the Dagger engine whose module is wanted, or empty.
	Dagger string
	// Existing are the texts of those of the files of Paths that are there.
	Existing map[string]string
}

// Setting is a line of the configuration file.
type Setting struct {
	Key    string
	Values []string
	// Configured says that the file has it already.
	Configured bool
}

func (s Setting) line() string { return s.Key + ": " + list(s.Values) }

// State is what becomes of a file.
type State int

// The states.
const (
	// Absent is not there.
	Absent State = iota
	// Current is as it would be written.
	Current
	// Short lacks lines, which are put after those that are there.
	Short
	// Differs would be written otherwise: somebody changed it, or an older Slipway wrote it.
	Differs
	// Kept is somebody's own and is left to them.
	Kept
)

// Writes tells whether the file is to be written without asking anybody.
func (s State) Writes() bool { return s == Absent || s == Short }

// File is one file that a repository should have.
type File struct {
	// Path is its slash path from the root of the repository.
	Path string
	// Text is what it should have in it.
	Text  string
	State State
	// Missing is what a file of the state Kept should have too.
	Missing []string
}

// Outdated tells whether the repository is not as it should be.
func (f File) Outdated() bool {
	return f.State != Current && f.State != Kept || len(f.Missing) > 0
}

// The names of the files.
const (
	configFile     = ".slipway.yaml"
	gitIgnore      = ".gitignore"
	dockerIgnore   = ".dockerignore"
	dependabotFile = ".github/dependabot.yml"
	workflows      = ".github/workflows"
	daggerFile     = "dagger.json"
)

// Paths are the files that Files may speak of, for the source folder of a repository.
func Paths(folder string) []string {
	return []string{path.Join(folder, configFile), workflow(folder), path.Join(folder, dockerIgnore), gitIgnore, dependabotFile, daggerFile}
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// workflow is the workflow of a source folder: a repository may have several.
func workflow(folder string) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(folder), "-"), "-")
	if name != "" {
		name = "-" + name
	}
	return path.Join(workflows, "slipway"+name+".yml")
}

// Files says which files the repository should have, and how far it has them. Its errors
// are *fault.Error of kind Usage: a text that no file can carry.
func Files(f Facts) ([]File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	paths := Paths(f.Folder)
	var files []File
	// A configuration file that says nothing would be one more thing to keep.
	if text := f.config(); text != "" || f.has(paths[0]) {
		files = append(files, f.once(paths[0], text, f.missingConfig()))
	}
	text, err := f.render("workflow.yml")
	if err != nil {
		return nil, err
	}
	files = append(files, f.own(paths[1], text))
	if text, err = f.render("dockerignore"); err != nil {
		return nil, err
	}
	files = append(files, f.once(paths[2], text, nil), f.ignored())
	if text, err = f.render("dependabot.yml"); err != nil {
		return nil, err
	}
	files = append(files, f.once(dependabotFile, text, f.missingUpdates()))
	// A copy has the module in itself.
	if f.Dagger == "" || f.Copy {
		return files, nil
	}
	file, err := f.dagger()
	return append(files, file), err
}

func (f Facts) has(name string) bool {
	_, ok := f.Existing[name]
	return ok
}

// own is a file that Slipway writes as a whole.
func (f Facts) own(name, text string) File {
	there, ok := f.Existing[name]
	switch {
	case !ok:
		return File{Path: name, Text: text}
	case strings.ReplaceAll(there, "\r\n", "\n") == text:
		return File{Path: name, Text: text, State: Current}
	}
	return File{Path: name, Text: text, State: Differs}
}

// once is a file that is somebody's own as soon as it is there.
func (f Facts) once(name, text string, missing []string) File {
	file := f.own(name, text)
	if file.State == Differs {
		file.State, file.Missing = Kept, missing
	}
	return file
}

// ignored is .gitignore with the folder that Slipway writes to.
func (f Facts) ignored() File {
	const line = ".slipway/"
	there, ok := f.Existing[gitIgnore]
	for said := range strings.Lines(there) {
		if strings.Trim(strings.TrimSpace(said), "/") == strings.Trim(line, "/") {
			return File{Path: gitIgnore, Text: there, State: Current}
		}
	}
	if there != "" && !strings.HasSuffix(there, "\n") {
		there += "\n"
	}
	file := File{Path: gitIgnore, Text: there + line + "\n"}
	if ok {
		file.State = Short
	}
	return file
}

// missingConfig is what an own configuration file has to say, or nothing is built or tried.
func (f Facts) missingConfig() []string {
	var lines []string
	if len(f.Main) > 0 && !f.Configured {
		lines = append(lines, "main: "+list(f.Main))
	}
	for _, s := range f.Settings {
		if !s.Configured {
			lines = append(lines, s.line())
		}
	}
	return lines
}

// update is one thing that Dependabot keeps fresh.
type update struct {
	Ecosystem   string
	Directories []string
}

// updates are what init writes: the modules, the actions, and the pins where they are here.
func (f Facts) updates() []update {
	modules := slices.Clone(f.Modules)
	if len(modules) == 0 {
		modules = []string{f.Folder}
	}
	slices.Sort(modules)
	all := []update{{"gomod", nil}, {"github-actions", []string{"/"}}}
	for _, dir := range slices.Compact(modules) {
		all[0].Directories = append(all[0].Directories, path.Join("/", dir))
	}
	if f.Pins {
		all = append(all, update{"docker", []string{path.Join("/", f.Folder)}})
	}
	return all
}

var ecosystem = regexp.MustCompile(`(?m)package-ecosystem:\s*["']?([\w-]+)`)

// missingUpdates looks for an ecosystem's name with the folder behind it, which is how
// the file is written. It is advice, not a parser.
func (f Facts) missingUpdates() (missing []string) {
	text := f.Existing[dependabotFile]
	at := ecosystem.FindAllStringSubmatchIndex(text, -1)
	for _, u := range f.updates() {
		for _, dir := range u.Directories {
			found := false
			for i, m := range at {
				end := len(text)
				if i+1 < len(at) {
					end = at[i+1][0]
				}
				found = found || text[m[2]:m[3]] == u.Ecosystem && names(text[m[3]:end], dir)
			}
			if !found {
				missing = append(missing, "package-ecosystem: "+u.Ecosystem+" with directory: "+quote(dir))
			}
		}
	}
	return missing
}

// names tells whether a list of directories has one, or a pattern that may cover it.
func names(text, dir string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"',[]", r) }), func(word string) bool {
		matched, err := path.Match(word, dir)
		return err == nil && matched || strings.HasPrefix(word, "/") && strings.HasSuffix(word, "/**") && strings.HasPrefix(dir+"/", strings.TrimSuffix(word, "**"))
	})
}
