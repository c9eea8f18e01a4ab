package gha

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

const (
	// maxAnnotations is what the runner takes of each level in a step; it drops the rest.
	maxAnnotations = 10
	// maxLines and maxLine bound a message, which the runner cuts at 4096 characters.
	maxLines = 10
	maxLine  = 300
)

// The levels of annotations.
const (
	failing = "error"
	warning = "warning"
)

// annotation is a message on a line of the repository, or on none.
type annotation struct {
	level string
	// at is in the repository; its File is empty for none.
	at finding.Position
	// title and message are from outside.
	title, message string
}

// annotated are the annotations of a receipt, the most telling first, each once.
type annotated struct {
	r *receipt.Receipt
	// root is the source folder in the repository.
	root string
	list []annotation
	seen map[string]bool
	// tested says that a test, or go vet, has told why it fails.
	tested bool
}

// annotations are all that there are to make of a receipt.
func annotations(r *receipt.Receipt, root string) []annotation {
	a := &annotated{r: r, root: root, seen: map[string]bool{}}
	if root == "" && r.Source != nil {
		a.root = r.Source.Folder
	}
	if f := r.Failure; f != nil && f.Kind == "source" {
		a.compiler(f.Detail, "does not compile")
	}
	a.tests()
	a.findings()
	a.gates()
	a.failure()
	return a.list
}

// add adds an annotation that is not there yet. What is said of one place by two tools,
// or for two platforms, is said once.
func (a *annotated) add(level string, at finding.Position, title, message string) {
	at.File = inRepository(a.root, at.File)
	if at.File == "" {
		at = finding.Position{}
	}
	key := strings.Join([]string{level, at.File, strconv.Itoa(at.Line), message}, "\x00")
	if !a.seen[key] {
		a.seen[key] = true
		a.list = append(a.list, annotation{level, at, title, message})
	}
}

// errors tells whether there is anything yet that stops the run.
func (a *annotated) errors() bool {
	for _, one := range a.list {
		if one.level == failing {
			return true
		}
	}
	return false
}

// inRepository is a file of the source folder as the repository has it, or empty for
// one that is not in it.
func inRepository(root, file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	if file == "" || path.IsAbs(file) || strings.Contains(file, ":") || plain.Line(file) != file {
		return ""
	}
	if file = path.Join(root, file); file == "." || !fs.ValidPath(file) {
		return ""
	}
	return file
}

// limited are at most as many annotations of each level as the runner takes. The last
// one counts those that are left out.
func limited(all []annotation) []annotation {
	var list []annotation
	for _, level := range []string{failing, warning} {
		var of []annotation
		for _, one := range all {
			if one.level == level {
				of = append(of, one)
			}
		}
		if over := len(of) - maxAnnotations; over > 0 {
			of = append(of[:maxAnnotations-1], annotation{
				level: level, title: "slipway", message: "and " + plain.Count(over+1, "more "+level) + ": the summary and the log of the job have them",
			})
		}
		list = append(list, of...)
	}
	return list
}

// commandOf is the command that makes an annotation.
func (j *Job) commandOf(a annotation) command {
	c := command{Name: a.level, Properties: map[string]string{"title": j.short(a.title)}}
	if a.at.File != "" && j.veiled(a.at.File) == a.at.File {
		c.Properties["file"], c.Properties["line"] = a.at.File, strconv.Itoa(a.at.Line)
		if a.at.Column > 0 {
			c.Properties["col"] = strconv.Itoa(a.at.Column)
		}
	}
	lines := split(a.message)
	for i, line := range lines {
		lines[i] = j.short(line)
	}
	if rest := len(lines) - maxLines; rest > 1 {
		lines = append(lines[:maxLines], "and "+plain.Count(rest, "more line"))
	}
	c.Message = strings.Join(lines, "\n")
	return c
}

// short is a line of at most maxLine characters.
func (j *Job) short(text string) string {
	letters := []rune(j.line(text))
	if len(letters) <= maxLine {
		return string(letters)
	}
	return strings.TrimRight(string(letters[:maxLine]), " ") + "..."
}
