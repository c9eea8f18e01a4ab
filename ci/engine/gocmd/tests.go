package gocmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// Runner is how an engine runs the go commands of tests.
type Runner struct {
	// Run runs a go command in the source folder, with env over the settings of tests.
	// Its standard output goes to stdout, while it runs where the engine can do that, and
	// not into the Output.
	Run func(env, args []string, stdout io.Writer) (Output, error)
	// Compiling are variables for what compiles and runs no test.
	Compiling []string
	// Compiler are the settings that name a C compiler for the race detector, and Probe is
	// a file with the text of Probe as the go command sees it. Without one there is no
	// race detector, and NoCompiler says why.
	Compiler   []string
	Probe      string
	NoCompiler string
	// Exposed is what finding.Tests says of the same name.
	Exposed string
}

// maxVet is how many lines of go vet are kept.
const maxVet = 200

// Offline is what tests run with over the settings of a build: every module is there
// already, and nobody is asked for another.
func Offline() map[string]string {
	return map[string]string{"GOPROXY": "off", "GOVCS": "*:off", "CGO_ENABLED": "0"}
}

// FetchArgs are those of the go command that gets every module which tests need.
func (g *Go) FetchArgs(t engine.Tests) []string {
	return g.listTests(t, "{{if .Error}}{{.Error}}{{end}}")
}

func (g *Go) listTests(t engine.Tests, format string, flags ...string) []string {
	return slices.Concat([]string{"list", "-deps", "-test", "-f", format}, flags, g.testFlags(t), []string{"--"}, t.Packages)
}

// Unfetched is the error where modules of the tests could not be had. What else the
// command of FetchArgs did not like is nil: go test says which package it concerns,
// and the others are tested.
func (g *Go) Unfetched(out Output) error {
	if out.Err == nil {
		return nil
	}
	return g.known(g.shortened(out.Stderr), out.Err)
}

// Test runs go vet and go test and returns what they did, with an error of kind Tests
// where one of them fails. The tests run also where go vet fails. Flaky ones are no
// error here: what they are to a user is for the policy to say.
func (g *Go) Test(t engine.Tests, by Runner, s step.Step) (*finding.Tests, error) {
	found := &finding.Tests{Exposed: by.Exposed}
	var env []string
	if t.Race {
		var err error
		if found.NoRace, err = g.noRace(t, by); err != nil {
			return nil, err
		}
		if found.Race = found.NoRace == ""; found.Race {
			env = append(slices.Clone(by.Compiler), "CGO_ENABLED=1")
		}
	}
	vetted, err := g.vet(t, by, s)
	if err != nil {
		return nil, err
	}
	if vetted.Err != nil {
		found.Vet = vetLines(g.shortened(vetted.Stderr))
	}
	flags := []string{"test", "-json", "-vet=off"}
	if found.Race {
		flags = append(flags, "-race")
	}
	run := testRun{g: g, by: by, s: s, env: env, flags: append(flags, g.testFlags(t)...)}
	// No -- here: what is behind it would be arguments of the tests. Patterns begin with a dot.
	results, tested, err := run.start(t.Event, t.Packages...)
	if err != nil {
		return nil, err
	}
	found.Packages = results.End()
	verdict := failure{found: found, unbuilt: results.unbuilt, vet: vetted.Err, test: tested.Err, loose: append(g.shortened(tested.Stderr), results.Loose()...)}
	mended, err := run.rerun(t.Rerun, found, results, tested.Err)
	if err != nil {
		return nil, err
	}
	if mended {
		verdict.test = nil
	}
	return found, verdict.err()
}

func (g *Go) vet(t engine.Tests, by Runner, s step.Step) (Output, error) {
	args := slices.Concat([]string{"vet"}, g.testFlags(t), []string{"--"}, t.Packages)
	s.Log("go " + strings.Join(args, " "))
	said, err := by.Run(by.Compiling, args, io.Discard)
	if err == nil {
		s.Ran(ranTests(nil, args, said))
	}
	for _, line := range g.shortened(said.Stderr) {
		s.Log(line)
	}
	return said, err
}

// ranTests is a go command of tests for the record.
func ranTests(env, args []string, out Output) step.Command {
	var all []string
	for name, value := range Offline() {
		all = append(all, name+"="+value)
	}
	return Ran(append(all, env...), args, out)
}

// vetLines are the messages of go vet, sorted: packages are looked at side by side, and
// their headings and messages come in any order. What the compiler says comes twice.
func vetLines(said []string) []string {
	var messages []string
	for _, line := range said {
		switch {
		case strings.HasPrefix(line, "# "):
		case len(messages) > 0 && strings.TrimLeft(line, " \t") != line:
			messages[len(messages)-1] += "\n" + line
		default:
			messages = append(messages, strings.TrimPrefix(line, "vet: "))
		}
	}
	if len(messages) == 0 {
		return nil
	}
	slices.Sort(messages)
	lines := strings.Split(strings.Join(slices.Compact(messages), "\n"), "\n")
	return lines[:min(len(lines), maxVet)]
}

func (g *Go) testFlags(t engine.Tests) []string {
	flags := g.flags(engine.Target{})
	// Tests name files of the tree by their real places.
	flags = slices.DeleteFunc(flags, func(f string) bool { return f == "-trimpath" || strings.HasPrefix(f, "-pgo") })
	if len(t.Tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(t.Tags, ","))
	}
	return flags
}

// shortened are the lines of a command's output without the folders of the machine.
func (g *Go) shortened(text []byte) []string {
	lines := Lines(text)
	for i := range lines {
		lines[i] = g.shorten(lines[i])
	}
	return lines
}

// known is the error for what the go command says of modules and disks, or nil.
func (g *Go) known(said []string, cause error) error {
	text := strings.Join(said, "\n")
	for _, m := range meanings {
		if at := m.said.FindStringSubmatchIndex(text); at != nil {
			what := m.said.ExpandString(nil, m.what, text, at)
			return fault.New(m.kind, "%s", what).WithFix("%s", m.fix).WithDetail(said...).WithCause(cause)
		}
	}
	if what, fix, ok := unfetched(text); ok {
		return fault.New(fault.Source, "%s", what).WithFix("%s", fix).WithDetail(said...).WithCause(cause)
	}
	return nil
}

// Probe is a program for the race detector and a C compiler: what can compile, link
// and run it can do so with tests.
const Probe = "package main\n\n// #include <stdlib.h>\nimport \"C\"\n\nfunc main() { C.free(nil) }\n"

// noRace says why there is no race detector for the tests, or is empty. The detector
// needs cgo, so a package that has files for cgo would not be the one in the image.
func (g *Go) noRace(t engine.Tests, by Runner) (string, error) {
	if by.Probe == "" {
		return by.NoCompiler, nil
	}
	env := append(slices.Clone(by.Compiler), "CGO_ENABLED=1")
	tried, err := by.Run(env, []string{"run", "-race", g.flags(engine.Target{})[0], by.Probe}, io.Discard)
	if err != nil {
		return "", err
	}
	if tried.Err != nil {
		said := strings.Join(append([]string{tried.Err.Error()}, g.shortened(tried.Stderr)...), "\n")
		switch at := strings.Index(said, "-race is not supported"); {
		case strings.Contains(said, "C compiler ") && strings.Contains(said, " not found"):
			return by.NoCompiler, nil
		case at >= 0:
			said, _, _ = strings.Cut(said[at+1:], "\n")
			return said, nil
		}
		return fmt.Sprintf("the C compiler cannot build for it: %s", said[strings.LastIndexByte(said, '\n')+1:]), nil
	}
	var list Bounded
	if _, err = by.Run(env, g.listTests(t, "{{if .CgoFiles}}{{if not .Standard}}{{.ImportPath}}{{end}}{{end}}", "-e"), &list); err != nil {
		return "", err
	}
	if other := Lines(list.Bytes()); len(other) > 0 {
		name, _, _ := strings.Cut(other[0], " ")
		return "it needs cgo, and with cgo the package " + name + " is not what is in the image", nil
	}
	return "", nil
}
