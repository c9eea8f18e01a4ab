package gocmd

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// Offline is what tests run with over the settings of a build: every module is there
// already, and nobody is asked for another.
func Offline() map[string]string {
	return map[string]string{"GOPROXY": "off", "GOVCS": "*:off", "CGO_ENABLED": "0"}
}

// FetchArgs are those of the go command that gets every module which tests need.
func (g *Go) FetchArgs(t engine.Tests) []string {
	return slices.Concat([]string{"list", "-deps", "-test", "-f", "{{if .Error}}{{.Error}}{{end}}"}, g.testFlags(t), []string{"--"}, t.Packages)
}

// Test runs go vet and go test, each by run, and returns what passed.
func (g *Go) Test(t engine.Tests, s step.Step, run func(args []string) (Output, error)) (*finding.Tests, error) {
	for _, command := range []struct {
		name string
		args []string
	}{
		{"go vet", slices.Concat([]string{"vet"}, g.testFlags(t), []string{"--"}, t.Packages)},
		// No -- here: what is behind it would be arguments of the tests. Patterns begin with a dot.
		{"go test", slices.Concat([]string{"test"}, g.testFlags(t), t.Packages)},
	} {
		s.Log("go " + strings.Join(command.args, " "))
		said, err := run(command.args)
		if err != nil {
			return nil, err
		}
		for _, line := range append(Lines(said.Stdout), Lines(said.Stderr)...) {
			s.Log(line)
		}
		if said.Err != nil {
			return nil, g.failed(command.name, said)
		}
	}
	return &finding.Tests{}, nil
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

var (
	failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
	passed     = regexp.MustCompile(`(?m)^ok  \t`)
)

// failed says what go vet or go test found, with their own lines.
func (g *Go) failed(name string, out Output) error {
	var said []string
	for _, line := range append(Lines(out.Stdout), Lines(out.Stderr)...) {
		said = append(said, g.shorten(line))
	}
	err := fault.New(fault.Tests, "%s fails", name).WithDetail(said...).WithCause(out.Err)
	var tests []string
	for _, m := range failedTest.FindAllStringSubmatch(string(out.Stdout), -1) {
		tests = append(tests, m[1])
	}
	switch first := firstPosition(trimmed(said)); {
	case len(tests) == 1:
		return fault.New(fault.Tests, "the test %s fails", tests[0]).WithDetail(said...).WithCause(out.Err).WithFix("correct %s", cmp.Or(first, "the source or the test"))
	case len(tests) > 1:
		return fault.New(fault.Tests, "%d tests fail, %s first", len(tests), tests[0]).WithDetail(said...).WithCause(out.Err).WithFix("correct %s", cmp.Or(first, "the source or the tests"))
	case first != "":
		return err.WithFix("correct %s", first)
	}
	return err.WithFix("run %s ./... in the source folder", name)
}

// packages counts the packages whose tests passed.
func packages(stdout []byte) string {
	n := len(passed.FindAll(stdout, -1))
	if n == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", n)
}

// trimmed takes the indentation away under which a test's own lines stand.
func trimmed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimSpace(line))
	}
	return all
}
