// Package gocmd is what every engine tells the go command and how it understands the
// answers. Where the command runs is the engine's affair.
package gocmd

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/step"
)

// Go is the pinned release's go command at a source folder.
type Go struct {
	Source  engine.Source
	Release string
	// Tree is where the go command sees the source's TreeRoot, and Modules the
	// module cache.
	Tree, Modules string
	// Run runs the go command in the source folder. Its error says that it could not
	// be run; what the command itself thinks is in the Output.
	Run func(ctx context.Context, env, args []string) (Output, error)
	// Copy reads files of the module cache, named as the go command sees them. All
	// are in one folder. A file that cannot be read is absent.
	Copy func(ctx context.Context, names []string) (map[string][]byte, error)
	// Has tells whether the module cache has a file or folder, by its slash path there. Where
	// it is nil, the module cache is on this machine.
	Has func(name string) bool
}

// Output is what one go command printed.
type Output struct {
	Stdout, Stderr []byte
	// Err is not nil if the command's exit code was not 0.
	Err error
}

// ExitError is the end of a go command with a code that is not 0, where no other error
// tells it.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// ExitCode is the code.
func (e ExitError) ExitCode() int { return int(e) }

// Ran is a go command for the record: with what of its environment decides the result.
func Ran(env, args []string, out Output) step.Command {
	all := Fixed()
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		all[name] = value
	}
	c := step.Command{Args: append([]string{"go"}, args...), Exit: step.Exit(out.Err)}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.Env = append(c.Env, name+"="+all[name])
	}
	return c
}

// recordedOut stands for the folder of a build's binaries in the record: its own name is
// another one each time.
const recordedOut = "out/"

// RanBuild is the go build of a target for the record.
func (g *Go) RanBuild(t engine.Target, out Output) step.Command {
	return Ran(Environment(t), g.BuildArgs(t, recordedOut), out)
}

// Fixed are the settings that decide bytes, the same for every go command of every
// engine. The platform's come on top.
func Fixed() map[string]string {
	return map[string]string{
		"GO111MODULE": "on", "GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOEXPERIMENT": "", "GOFIPS140": "off",
		"GOWORK": "off", "GOTELEMETRY": "off", "LC_ALL": "C",
		// A build fetches no source by itself but what the user's GOPRIVATE names.
		"GOVCS": "private:all,public:off",
		// git must fail rather than wait for a password that nobody types.
		"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never",
	}
}

// Environment is what a target adds to the settings of an engine.
func Environment(t engine.Target) []string { return append(t.Platform.GoEnv(), "CGO_ENABLED=0") }

// flags are the flags that decide a binary, the same for list and build.
func (g *Go) flags(t engine.Target) []string {
	mod := "-mod=readonly"
	if g.Source.Vendor {
		mod = "-mod=vendor"
	}
	flags := []string{mod, "-buildvcs=false", "-trimpath", "-pgo=auto"}
	if len(t.Build.Tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(t.Build.Tags, ","))
	}
	return flags
}

// BuildArgs are those of the go build that writes a target's binaries into out, a
// folder that ends in a separator. With -v it names each package that it compiles.
func (g *Go) BuildArgs(t engine.Target, out string) []string {
	return slices.Concat([]string{"build", "-v", "-o", out}, g.flags(t), compilerFlags(t.Build), []string{"--"}, folders(t))
}

func folders(t engine.Target) []string {
	var dirs []string
	for _, m := range t.Mains {
		dirs = append(dirs, m.Dir)
	}
	return dirs
}

// Seen is where the go command sees a file or folder of this machine's source tree.
func (g *Go) Seen(name string) string {
	rel, err := filepath.Rel(g.Source.TreeRoot, name)
	if err != nil {
		return name
	}
	return filepath.Join(g.Tree, rel)
}

// here is where a file of the source tree that the go command names lies on this
// machine; ok is false if it is not one of the tree.
func (g *Go) here(name string) (string, bool) {
	rel, err := filepath.Rel(g.Tree, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.Join(g.Source.TreeRoot, rel), true
}

func (g *Go) inModuleCache(name string) bool {
	return strings.HasPrefix(name, g.Modules+string(filepath.Separator))
}

// shorten keeps the folders of the machine out of what a user reads.
func (g *Go) shorten(line string) string {
	sep := string(filepath.Separator)
	return withoutFolder(withoutFolder(line, g.Modules+sep), g.Seen(g.Source.Root)+sep)
}

// withoutFolder takes a folder out of a line where a path begins with it: /src/ is also
// in the middle of /usr/local/go/src/fmt.
func withoutFolder(line, folder string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(line, folder)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if last, _ := utf8.DecodeLastRuneInString(before); before != "" && (unicode.IsLetter(last) || unicode.IsDigit(last) || strings.ContainsRune(`._-@\/`, last)) {
			out.WriteString(folder)
		}
		line = after
	}
}

// WithoutDirect takes direct out of a GOPROXY list. Modules that GONOPROXY or
// GOPRIVATE match are fetched from their origin whatever GOPROXY says.
func WithoutDirect(proxies string) string {
	var left strings.Builder
	for proxies != "" {
		i := strings.IndexAny(proxies, ",|")
		item, sep := proxies, ""
		if i >= 0 {
			item, sep = proxies[:i], proxies[i:i+1]
		}
		proxies = strings.TrimPrefix(proxies[len(item):], sep)
		if strings.TrimSpace(item) != "direct" {
			left.WriteString(item + sep)
		}
	}
	if list := strings.Trim(left.String(), ",|"); list != "" {
		return list
	}
	return "off"
}
