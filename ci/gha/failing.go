package gha

import (
	"path"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
)

// compiler adds what a compiler or go vet says of places in the source, and tells how
// much that was. Lines that are indented go on with the message before.
func (a *annotated) compiler(lines []string, title string) (told int) {
	var at finding.Position
	message := ""
	add := func() {
		if message != "" {
			a.add(failing, at, title, message)
			told++
		}
		message = ""
	}
	for _, line := range split(lines...) {
		if strings.TrimLeft(line, " \t") != line {
			if message != "" {
				message += "\n" + line
			}
			continue
		}
		add()
		if place, text, ok := finding.ParsePosition(line); ok && slices.Contains([]string{".go", ".s", ".mod", ".work"}, path.Ext(place.File)) {
			at, message = place, text
		}
	}
	add()
	return told
}

// tests adds the tests and packages that fail, what go vet says, and flaky tests.
func (a *annotated) tests() {
	t := a.r.Tests
	if t == nil {
		return
	}
	for _, p := range t.Packages {
		failed := p.Failed()
		for _, test := range failed {
			a.test(failing, test.Name+" fails", p, test)
		}
		if p.Outcome == "fail" && len(failed) == 0 && a.compiler(p.Output, "the tests of "+p.Name+" do not build") == 0 {
			a.test(failing, "the tests of "+p.Name+" fail", p, finding.Test{Name: p.Name, Output: p.Output})
		}
	}
	a.compiler(t.Vet, "go vet")
	a.tested = a.errors()
	for _, p := range t.Packages {
		for _, test := range p.Flaky() {
			a.test(warning, test.Name+" is flaky: it failed, and passed when it was run again", p, test)
		}
	}
}

// test adds one test, on the line that its output names.
func (a *annotated) test(level, title string, p finding.TestPackage, test finding.Test) {
	at, said := a.place(p, split(test.Output...))
	if at.File == "" {
		// A panic ends the whole package, and may be among the lines of that.
		if frame, ok := finding.FirstFrame(split(p.Output...)); ok {
			at = frame
		}
	}
	a.add(level, at, title, strings.TrimSuffix(test.Name+": "+strings.Join(said, "\n"), ": "))
}

// place is where a test fails, and what it says there: the place of a panic, or of the
// first message, which is testify's where there is one, since a test also logs.
func (a *annotated) place(p finding.TestPackage, lines []string) (at finding.Position, said []string) {
	if i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "panic: ") }); i >= 0 {
		at, _ = finding.FirstFrame(lines[i:])
		return at, lines[i : i+1]
	}
	found, rest := -1, 0
	for i, line := range lines {
		place, _, ok := finding.ParsePosition(strings.TrimSpace(line))
		if !ok || path.Ext(place.File) != ".go" || path.Base(place.File) != place.File {
			continue
		}
		asserts := i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "Error Trace:")
		if found < 0 || asserts {
			found, rest, at = i, i+1, place
		}
		if asserts {
			rest++ // the same place again
			break
		}
	}
	if found < 0 {
		return finding.Position{}, trimmed(lines)
	}
	dir, ok := a.folder(p.Name)
	if at.File = path.Join(dir, at.File); !ok {
		at = finding.Position{}
	}
	_, message, _ := finding.ParsePosition(strings.TrimSpace(lines[found]))
	return at, append([]string{message}, trimmed(lines[rest:])...)
}

// trimmed takes the indentation away under which a test's own lines stand.
func trimmed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimPrefix(strings.TrimPrefix(line, "    "), "    "))
	}
	return all
}

// folder is the folder of a package in the source folder. The main of an image says
// where its module lies; without an image, the module is what all packages have in
// common.
func (a *annotated) folder(pkg string) (string, bool) {
	for _, img := range a.r.Images {
		rel, ok := below(img.Plan.Module, pkg)
		if !ok {
			continue
		}
		for _, m := range img.Plan.Mains {
			if main, ok := below(img.Plan.Module, m.Package); ok {
				dir := strings.TrimSuffix(path.Join("/", m.Dir), strings.TrimSuffix("/"+main, "/."))
				return path.Join(strings.TrimPrefix(dir, "/"), rel), true
			}
		}
		return rel, true
	}
	if len(a.r.Images) > 0 {
		return "", false
	}
	common := pkg
	for _, p := range a.r.Tests.Packages {
		for common != "." && common != p.Name && !strings.HasPrefix(p.Name, common+"/") {
			common = path.Dir(common)
		}
	}
	return below(common, pkg)
}

// below is what is left of an import path under a module's, "." for the module's own.
func below(module, pkg string) (string, bool) {
	if module != "" && pkg == module {
		return ".", true
	}
	rel, ok := strings.CutPrefix(pkg, module+"/")
	return rel, ok && module != ""
}
