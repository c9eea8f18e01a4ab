// Package pins reads which builder and which base an image is made with. A
// Dockerfile that carries the comment
//
//	# slipway:pins
//
// as a line of its own declares them in its FROM lines, where reviewers and update
// bots look for them and nothing else repeats them. Its first FROM is the builder,
// its last one the base; both, and any image between them, are written as
// name:tag@sha256:... in full. Every other source folder gets Slipway's own pins,
// those of the embedded Dockerfile, and a note that says so.
package pins

import (
	_ "embed"
	"errors"
	"fmt"
	"go/version"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// Mark is the comment line that makes a Dockerfile a declaration of pins.
const Mark = "# slipway:pins"

// Embedded is the From of Slipway's own pins.
const Embedded = "embedded"

// Scratch is the name of the base that is no image: such a Pin has neither tag
// nor digest.
const Scratch = "scratch"

const fileName = "Dockerfile"

// maxSize bounds what is read of a Dockerfile, in bytes. Real ones have a few
// thousand; the source is untrusted.
const maxSize = 1 << 20

//go:embed Dockerfile
var embedded string

// Pins are the two images that a build starts from.
type Pins struct {
	// Builder has the Go toolchain.
	Builder plan.Pin
	// Base is what the binary is put on. Its Name may be Scratch.
	Base plan.Pin
	// From is the declaring file, relative to the source folder, or Embedded. It is
	// the same in every checkout.
	From string
	// Notes say in a sentence each why a Dockerfile was not read.
	Notes []string
}

// scannerStage is the name of the embedded Dockerfile's stage that is the scanner.
const scannerStage = "scanner"

// Scanner returns the scanner's image. A stage of this name in the Dockerfile of a
// source folder means nothing: a source does not choose its judge.
func Scanner() (plan.Pin, error) {
	result, err := parser.Parse(strings.NewReader(embedded))
	if err != nil {
		return plan.Pin{}, fmt.Errorf("reading the embedded Dockerfile: %w", err)
	}
	all, err := readStages(result.AST)
	if err != nil {
		return plan.Pin{}, fmt.Errorf("reading the embedded Dockerfile: %w", err)
	}
	for _, s := range all {
		if s.name == scannerStage {
			return s.pin, nil
		}
	}
	return plan.Pin{}, fmt.Errorf("reading the embedded Dockerfile: no stage is named %s", scannerStage)
}

// Read returns the pins of the source folder dir. Errors are *fault.Error of kind
// fault.Usage and name the file and line.
func Read(dir string) (Pins, error) {
	text, note, err := readDockerfile(dir)
	if err != nil {
		return Pins{}, err
	}
	if note == "" {
		p, marked, err := parse(text)
		if err != nil || marked {
			return p, err
		}
		note = fmt.Sprintf("the Dockerfile does not carry the comment %q, so its FROM lines are not used: "+
			"builder and base are Slipway's own pins", Mark)
	}
	p, _, err := parse([]byte(embedded))
	if err != nil {
		return Pins{}, fmt.Errorf("reading the embedded Dockerfile: %w", err)
	}
	p.From, p.Notes = Embedded, []string{note}
	return p, nil
}

// readDockerfile returns the Dockerfile of dir, or a note that says why there is
// none to read.
func readDockerfile(dir string) (text []byte, note string, err error) {
	// The listing tells the name as it is stored: where file names have no case, a
	// file "dockerfile" must not decide the image on one machine and not on another.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, "", unreadable(err)
	}
	i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return e.Name() == fileName })
	switch {
	case i < 0:
		return nil, "the source folder has no Dockerfile: builder and base are Slipway's own pins", nil
	case !entries[i].Type().IsRegular():
		return nil, "the Dockerfile is not a regular file and is not read: builder and base are Slipway's own pins", nil
	}
	f, err := os.Open(filepath.Join(dir, fileName))
	if err != nil {
		return nil, "", unreadable(err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, "", unreadable(err)
	}
	if len(text) <= maxSize {
		return text, "", nil
	}
	if lines := marks(text); len(lines) > 0 {
		return nil, "", at(lines[0], "the file declares pins and is larger than 1 MiB").
			WithFix("shorten it, or remove the comment %q", Mark)
	}
	return nil, "the Dockerfile is larger than 1 MiB and is not read: builder and base are Slipway's own pins", nil
}

func unreadable(err error) error {
	cause := err
	if p, ok := errors.AsType[*os.PathError](err); ok {
		cause = p.Err // the path is this machine's
	}
	return fault.New(fault.Usage, "reading the source folder's Dockerfile: %v", cause).
		WithFix("make the folder and the file readable").WithCause(err)
}

// release finds a Go release in a tag: 1.26.9, 1.26.9-alpine3.24, 1.27rc1-alpine.
var release = regexp.MustCompile(`^([0-9]+\.[0-9]+(?:\.[0-9]+|(?:rc|beta)[0-9]+))(?:-.*)?$`)

// GoVersion returns the Go release that the builder's tag names, as in 1.26.9 or
// 1.27rc1. A tag that moves, as 1.26-alpine or latest do, is a *fault.Error.
func (p Pins) GoVersion() (string, error) {
	m := release.FindStringSubmatch(p.Builder.Tag)
	if m != nil && version.IsValid("go"+m[1]) {
		return m[1], nil
	}
	return "", fault.New(fault.Usage, "reading the Go release of the builder %s (%s): the tag %q does not name one in full",
		p.Builder, p.From, p.Builder.Tag).
		WithFix("write the full release in the tag of the first FROM line, for example golang:1.26.9-alpine@sha256:...")
}
