package gocmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
)

var (
	position = regexp.MustCompile(`^\S+\.(?:go|s|mod|work):\d+(?::\d+)?: `)
	excluded = regexp.MustCompile(`(\S+): build constraints exclude all Go files in `)
	missing  = regexp.MustCompile(`(?m)undefined: (\w+)$`)
	compiled = regexp.MustCompile(`^[^\s:#]+$`) // of -v: the import path alone
	generate = regexp.MustCompile(`(?m)^//go:generate `)
)

// meaning is what a message of the go command says about the source, in words for
// somebody who only wants an image. $1 is the first group of said.
type meaning struct {
	said      *regexp.Regexp
	kind      fault.Kind
	what, fix string
}

var meanings = []meaning{
	{
		regexp.MustCompile(`no space left on device|disk quota exceeded`), fault.Usage,
		"the disk became full during the build",
		"make room in Slipway's cache folder (SLIPWAY_CACHE) and in the folder for temporary files (TMPDIR), or name other ones",
	},
	{
		regexp.MustCompile(`verifying (\S+): checksum mismatch`), fault.Source,
		"module $1 does not have the checksum that go.sum or the checksum database says",
		"do not build it: find out who changed the module or its proxy; if go.sum is wrong, correct it with go mod tidy",
	},
	{
		regexp.MustCompile(`inconsistent vendoring`), fault.Source,
		"vendor/modules.txt does not agree with go.mod", "run go mod vendor and commit the vendor folder",
	},
	{
		regexp.MustCompile(`cannot find module providing package (\S+): import lookup disabled by -mod=vendor`), fault.Source,
		"the vendor folder does not have package $1", "run go mod vendor and commit the vendor folder",
	},
	{
		regexp.MustCompile(`missing go\.sum entry|updates to go\.(?:mod|work) needed`), fault.Source,
		"go.mod or go.sum is not complete", "run go mod tidy and commit go.mod and go.sum",
	},
	{
		regexp.MustCompile(`(\S+\.go:\d+)\S* pattern .*: cannot embed irregular file (\S+)`), fault.Source,
		"$1 embeds $2, which is a link or another thing that is not a regular file", "put the file itself into the source folder",
	},
	{
		regexp.MustCompile(`(\S+\.go:\d+)\S* pattern (.*): no matching files found`), fault.Source,
		"$1 embeds $2, and the source folder has no such files", "commit them, or make them before the build with pre-build in .slipway.yaml",
	},
}

// Explain turns the go command's own words into an error: one sentence for what is
// known, else its first line with a file and a line number. All lines follow.
func (g *Go) Explain(ctx context.Context, t engine.Target, out Output) error {
	cause := out.Err
	var all, said []string
	for _, line := range Lines(out.Stderr) {
		line = g.shorten(line)
		all = append(all, line)
		if !strings.HasPrefix(line, "go: downloading ") && !compiled.MatchString(line) {
			said = append(said, line)
		}
	}
	text := strings.Join(said, "\n")
	for _, m := range meanings {
		if at := m.said.FindStringSubmatchIndex(text); at != nil {
			what := m.said.ExpandString(nil, m.what, text, at)
			return fault.New(m.kind, "%s", what).WithFix("%s", m.fix).WithDetail(said...).WithCause(cause)
		}
	}
	if what, fix, ok := unfetched(strings.Join(all, "\n")); ok {
		return fault.New(fault.Source, "%s", what).WithFix("%s", fix).WithDetail(said...).WithCause(cause)
	}
	first := firstPosition(said)
	if err := g.foreign(first); err != nil {
		return err
	}
	if err := g.lacking(ctx, t, text); err != nil {
		return err.WithDetail(said...).WithCause(cause)
	}
	err := fault.New(fault.Source, "the source does not build for %s", t.Platform).WithDetail(said...).WithCause(cause)
	if first != "" {
		return err.WithFix("correct %s", first)
	}
	return err.WithFix("go build ./... in the source folder shows the same")
}

// firstPosition is the file and line of the first message that has one.
func firstPosition(said []string) string {
	for _, line := range said {
		line = strings.TrimPrefix(line, "./")
		if at := position.FindString(line); at != "" {
			return strings.TrimSuffix(at, ": ")
		}
	}
	return ""
}

// foreign refuses a link that leads out of the source folder to what is no Go: the
// compiler's words about it would print parts of a file that is nobody's source.
func (g *Go) foreign(position string) error {
	file, _, _ := strings.Cut(position, ":")
	name := filepath.Join(g.Source.Root, filepath.FromSlash(file))
	real, err := filepath.EvalSymlinks(name)
	if file == "" || err != nil || real == name || strings.HasPrefix(real, g.Source.Root+string(filepath.Separator)) {
		return nil
	}
	return fault.New(fault.Source, "the source file %s is a link to %s, which does not compile", file, real).
		WithFix("copy the file into the source folder")
}

// lacking names the package of a failed build that has files for cgo only, or that
// is waiting for go generate. go list sees both, and executes nothing for it.
func (g *Go) lacking(ctx context.Context, t engine.Target, text string) *fault.Error {
	args := slices.Concat([]string{"list", "-e", "-deps", "-json=Dir,ImportPath,Name,Standard,GoFiles,CgoFiles"}, g.flags(t), []string{"--"}, folders(t))
	// With -e the answer is of use even when the exit code is not 0.
	out, err := g.Run(ctx, append(t.Platform.GoEnv(), "CGO_ENABLED=1"), args)
	if err != nil {
		return nil
	}
	for dec := json.NewDecoder(bytes.NewReader(out.Stdout)); ; {
		var p struct {
			Dir, ImportPath, Name string
			Standard              bool
			GoFiles, CgoFiles     []string
		}
		if dec.Decode(&p) != nil {
			return nil
		}
		switch absent := undefined(text, p.ImportPath, p.Name); {
		case p.Standard:
		case len(p.CgoFiles) > 0 && (absent != "" || excludes(text, p.ImportPath)):
			return fault.New(fault.Source, "package %s needs cgo, and a static image is built without it", p.ImportPath).
				WithFix("use a pure Go package in its place, or a build tag of the package that leaves cgo out (--tags)")
		case absent != "" && !g.inModuleCache(p.Dir) && g.generates(p.Dir, p.GoFiles):
			return fault.New(fault.Source, "%s is undefined, and package %s has a go:generate line, which a build does not run", absent, p.ImportPath).
				WithFix("commit the generated code, or make it before the build with pre-build in .slipway.yaml")
		}
	}
}

// undefined is a name that the compiler misses in a package: one that the package
// itself uses, or one that an importer asks it for.
func undefined(text, pkg, name string) string {
	_, own, _ := strings.Cut(text, "# "+pkg+"\n")
	own, _, _ = strings.Cut(own, "\n# ")
	if m := missing.FindStringSubmatch(own); m != nil {
		return m[1]
	}
	if m := regexp.MustCompile(`undefined: (` + regexp.QuoteMeta(name) + `\.\w+)`).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func excludes(text, pkg string) bool {
	return slices.ContainsFunc(excluded.FindAllStringSubmatch(text, -1), func(m []string) bool { return m[1] == pkg })
}

// generates tells whether one of a package's files has a line for go generate.
func (g *Go) generates(dir string, files []string) bool {
	dir, ok := g.here(dir)
	if !ok {
		return false
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(filepath.Join(dir, file))
		return err == nil && generate.Match(text)
	})
}
