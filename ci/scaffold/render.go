package scaffold

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"example.com/slipway/ci/fault"
)

//go:embed files
var sources embed.FS

// longest bounds one text, in bytes: git's and GitHub's names are shorter.
const longest = 1024

// render makes a file from its template.
func (f Facts) render(name string) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{"quote": quote, "list": list, "pattern": pattern}).ParseFS(sources, "files/"+name)
	if err != nil {
		return "", fmt.Errorf("reading the template of %s: %w", name, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, view{f}); err != nil {
		return "", fmt.Errorf("making %s: %w", name, err)
	}
	return b.String(), nil
}

// view is what templates see.
type view struct{ Facts }

// Sub tells whether the source folder is one of several places in the repository.
func (v view) Sub() bool { return v.Folder != "." }

// Mark tells the caches of one source folder from those of another, whose name may have
// what no key can.
func (v view) Mark() string {
	if !v.Sub() {
		return ""
	}
	sum := sha256.Sum256([]byte(v.Folder))
	return hex.EncodeToString(sum[:4]) + "-"
}

// Updates are for Dependabot.
func (v view) Updates() []update { return v.updates() }

// GitHub tells whether the registry takes the job's own token.
func (v view) GitHub() bool { return strings.HasPrefix(v.Target, "ghcr.io/") }

// Report is where a job finds the report.
func (v view) Report() string {
	if v.Copy {
		return path.Join(v.Folder, ".slipway/report")
	}
	return ".slipway/report"
}

// notInTag is what git takes in no name. https://git-scm.com/docs/git-check-ref-format
var notInTag = regexp.MustCompile(`[ ~^:?*\[\\]|\.\.|@\{|/\.|\.lock(/|$)|\.$`)

// majorForm is a major version at the end of a module's path.
var majorForm = regexp.MustCompile(`^v[0-9]+$`)

// Tags is the pattern of the versions' tags: those of a module in a folder begin with
// the folder, without the major version at its end. A folder that no tag can name has
// none. https://go.dev/ref/mod#vcs-version
func (v view) Tags() string {
	dir := v.Folder
	if last := path.Base(dir); last == path.Base(v.Module) && majorForm.MatchString(last) {
		dir = path.Dir(dir)
	}
	if dir == "." {
		return "v*"
	}
	if notInTag.MatchString("/" + dir) {
		return ""
	}
	return pattern(dir) + "/v*"
}

// Watched are the patterns of the files that can change the image, or nothing where that
// is all of them.
func (v view) Watched() []string {
	dirs := append(slices.Clone(v.Modules), v.Folder)
	if slices.Contains(dirs, ".") {
		return nil
	}
	slices.Sort(dirs)
	var all []string
	for _, dir := range slices.Compact(dirs) {
		all = append(all, pattern(dir)+"/**")
	}
	if v.Workspace != "" {
		all = append(all, pattern(path.Join(v.Workspace, "go.work")), pattern(path.Join(v.Workspace, "go.work.sum")))
	}
	return append(all, workflow(v.Folder))
}

// config is the configuration file, or nothing where Slipway sees all by itself.
func (f Facts) config() string {
	var lines []string
	if len(f.Main) > 0 {
		lines = append(lines, "main: "+list(f.Main))
	}
	if len(f.Port) > 0 {
		lines = append(lines, "port: "+list(f.Port))
	}
	for _, s := range f.Settings {
		lines = append(lines, s.line())
	}
	if len(lines) == 0 {
		return ""
	}
	head := "# What Slipway cannot see in the source.\n"
	if !f.Copy {
		head = fmt.Sprintf("# yaml-language-server: $schema=https://raw.githubusercontent.com/%s/%s/docs/slipway.schema.json\n", f.Action.Repository, f.Action.Commit) + head
	}
	return head + strings.Join(lines, "\n") + "\n"
}

// check refuses what YAML or GitHub would read as something else.
func (f Facts) check() error {
	texts := slices.Concat([]string{f.Folder, f.Module, f.Workspace, f.Target, f.Branch}, f.Modules, f.Main, f.Port)
	for _, s := range f.Settings {
		texts = append(texts, s.Values...)
	}
	for _, text := range texts {
		switch {
		case len(text) > longest:
			return fault.New(fault.Usage, "%.100q... is longer than a workflow takes", text).WithFix("shorten it to %d bytes", longest)
		case strings.Contains(text, "${{"):
			return fault.New(fault.Usage, "%q would be an expression in a workflow, which GitHub evaluates", text).WithFix("give it a name without ${{")
		case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
			return fault.New(fault.Usage, "%q cannot be written into a workflow", text).WithFix("give it a name of letters that print")
		}
	}
	if !f.Copy {
		return f.Action.check()
	}
	return nil
}

var (
	// plainForm is text that is the same with quotes and without, but for the words below.
	plainForm = regexp.MustCompile(`^(?:\./)?[A-Za-z][\w./-]*$`)
	words     = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
	portForm  = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
)

// quote writes a text as a YAML scalar that is read as that text. A string of JSON is
// one of YAML too, where all of it prints.
func quote(text string) string {
	if plainForm.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string always has a form.
	_ = enc.Encode(text)
	return strings.TrimSuffix(b.String(), "\n")
}

// list writes texts as one scalar or a list of them. A port is a number.
func list(texts []string) string {
	var all []string
	for _, text := range texts {
		if !portForm.MatchString(text) {
			text = quote(text)
		}
		all = append(all, text)
	}
	if len(all) == 1 {
		return all[0]
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// special are the characters that mean something in GitHub's patterns.
var special = regexp.MustCompile(`[\\*?+\[\]!]`)

// pattern matches that text and no other.
func pattern(text string) string { return special.ReplaceAllString(text, `\$0`) }
