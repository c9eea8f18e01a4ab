package pins

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// maxReference bounds an image reference, in bytes: the longest name, tag and
// digest that the grammar allows fit. Longer ones are not repeated in an error.
const maxReference = 512

// parse reads a declaration. Text that does not carry the mark is not judged:
// marked is false and err nil, even where it is no Dockerfile at all.
func parse(text []byte) (p Pins, marked bool, err error) {
	lines := marks(text)
	if len(lines) == 0 {
		return Pins{}, false, nil
	}
	result, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return Pins{}, true, malformed(err)
	}
	data := heredocLines(result.AST)
	lines = slices.DeleteFunc(lines, func(n int) bool { return data[n] })
	if len(lines) == 0 {
		return Pins{}, false, nil
	}
	p, err = fromStages(result.AST, lines[0])
	return p, true, err
}

// marks returns the numbers of the lines that consist of the mark.
func marks(text []byte) []int {
	var found []int
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		n++
		if string(bytes.TrimSpace(line)) == Mark {
			found = append(found, n)
		}
	}
	return found
}

// heredocLines returns the lines of every instruction with a heredoc, where what
// looks like a comment is data.
func heredocLines(ast *parser.Node) map[int]bool {
	lines := map[int]bool{}
	for _, n := range ast.Children {
		for i := n.StartLine; len(n.Heredocs) > 0 && i <= n.EndLine; i++ {
			lines[i] = true
		}
	}
	return lines
}

// fromStages reads the pins out of the FROM lines; markLine is where an error
// about the file as a whole points.
func fromStages(ast *parser.Node, markLine int) (Pins, error) {
	images, err := readStages(ast)
	if err != nil {
		return Pins{}, err
	}
	if len(images) < 2 {
		return Pins{}, at(markLine, "the file declares pins and has %d of the two FROM lines that they take", len(images)).
			WithFix("write one FROM for the builder, which comes first, and one for the base, which comes last")
	}
	first, last := images[0], images[len(images)-1]
	if first.pin.Name == Scratch {
		return Pins{}, at(first.line, "the builder, the first FROM, is scratch, which has no Go toolchain").
			WithFix("write the builder first, for example golang:1.26.9-alpine@sha256:...")
	}
	if last.from != "" {
		return Pins{}, at(last.line, "the base, the last FROM, is the stage %q of this file and not an image", last.from).
			WithFix("write the image itself: name:tag@sha256:...")
	}
	return Pins{Builder: first.pin, Base: last.pin, From: fileName}, nil
}

// readStages reads every FROM line.
func readStages(ast *parser.Node) ([]stage, error) {
	var all []stage
	names := map[string]bool{}
	for _, n := range ast.Children {
		if !strings.EqualFold(n.Value, "FROM") {
			continue
		}
		s, err := readStage(n, names)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		if s.name != "" {
			names[s.name] = true
		}
	}
	return all, nil
}

// stage is one FROM line.
type stage struct {
	line int
	// name is the lower-case name after AS, or "".
	name string
	// pin is the image, unless from names an earlier stage.
	pin  plan.Pin
	from string
}

// readStage reads FROM [--platform=...] image [AS name]; names are those of the
// stages above it.
func readStage(n *parser.Node, names map[string]bool) (stage, error) {
	s := stage{line: n.StartLine}
	for _, flag := range n.Flags {
		if !strings.HasPrefix(flag, "--platform=") {
			return s, at(s.line, "FROM has the unknown flag %.100q", flag).
				WithFix("write FROM [--platform=...] name:tag@sha256:... [AS stage]")
		}
	}
	var words []string
	for arg := n.Next; arg != nil; arg = arg.Next {
		words = append(words, arg.Value)
	}
	switch {
	case len(words) == 1:
	case len(words) == 3 && strings.EqualFold(words[1], "AS"):
		s.name = strings.ToLower(words[2])
	default:
		return s, at(s.line, "FROM does not have the form that Docker reads").WithFix("write FROM [--platform=...] name:tag@sha256:... [AS stage]")
	}
	if names[strings.ToLower(words[0])] {
		s.from = words[0]
		return s, nil
	}
	var err error
	s.pin, err = readImage(words[0], s.line)
	return s, err
}

func readImage(ref string, line int) (plan.Pin, error) {
	switch {
	case ref == Scratch:
		return plan.Pin{Name: Scratch}, nil
	case len(ref) > maxReference:
		return plan.Pin{}, at(line, "the image reference is longer than %d bytes", maxReference).WithFix("write name:tag@sha256:...")
	case strings.Contains(ref, "$"):
		return plan.Pin{}, at(line, "%q holds a variable, and a pin must not depend on a build argument", ref).
			WithFix("write name:tag@sha256:... in full")
	case !strings.Contains(ref, "@"):
		return plan.Pin{}, at(line, "%q has no digest, so that its bytes can change", ref).
			WithFix("write name:tag@sha256:...; docker buildx imagetools inspect prints the digest of a tag")
	}
	pin, err := plan.ParsePin(ref)
	if err != nil {
		return plan.Pin{}, at(line, "%v", err).WithFix("write name:tag@sha256:... with 64 hexadecimal digits").WithCause(err)
	}
	return pin, nil
}

// malformed turns an error of BuildKit's parser into one with a line.
func malformed(err error) error {
	line := 1
	if located, ok := errors.AsType[*parser.LocationError](err); ok {
		for _, ranges := range located.Locations {
			// The parser counts from 0 before it has read an instruction.
			line = max(line, ranges[0].Start.Line)
		}
	}
	return at(line, "the file declares pins and is not a Dockerfile: %.200s", err.Error()).
		WithFix("correct the line; docker build --check says more").WithCause(err)
}

func at(line int, format string, args ...any) *fault.Error {
	e := fault.New(fault.Usage, format, args...)
	e.What = fmt.Sprintf("%s:%d: %s", fileName, line, e.What)
	return e
}
