package local

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
)

var (
	position = regexp.MustCompile(`^\S+\.(?:go|s|mod|work):\d+(?::\d+)?: `)
	excluded = regexp.MustCompile(`(\S+): build constraints exclude all Go files in `)
)

// explain turns the go command's own words into an error: its first line with a
// file and a line number says what happened, and all of its lines follow.
func (e *Engine) explain(ctx context.Context, t engine.Target, out []byte, cause error) error {
	var said []string
	for _, line := range lines(out) {
		if !strings.HasPrefix(line, "go: downloading ") {
			said = append(said, e.shorten(line))
		}
	}
	err := fault.New(fault.Source, "the source does not build for %s", t.Platform).WithDetail(said...).WithCause(cause)
	text := strings.Join(said, "\n")
	pkg := e.needsCgo(ctx, t, text)
	switch first := firstPosition(said); {
	case strings.Contains(text, "SECURITY ERROR") || strings.Contains(text, "checksum mismatch"):
		return sentence(err, "a module does not have the checksum that go.sum or the checksum database says").
			WithFix("do not build it: find out who changed the module or its proxy; if go.sum is wrong, correct it with go mod tidy")
	case strings.Contains(text, "inconsistent vendoring"):
		return err.WithFix("run go mod vendor and commit the vendor folder")
	case strings.Contains(text, "missing go.sum entry") || strings.Contains(text, "updates to go.mod needed"):
		return err.WithFix("run go mod tidy and commit go.mod and go.sum")
	case strings.Contains(text, "module lookup disabled by GOPROXY=off"):
		return err.WithFix("a module is not in the module cache and GOPROXY names no proxy: set GOPROXY (Slipway uses direct only for what GOPRIVATE names)")
	case pkg != "":
		return sentence(err, "package %s needs cgo, and a static image is built without it", pkg).
			WithFix("use a pure Go package in its place, or a build tag of the package that leaves cgo out (--tags)")
	case first != "":
		return err.WithFix("correct %s", first)
	default:
		return err.WithFix("go build ./... in the source folder shows the same")
	}
}

func sentence(err *fault.Error, format string, args ...any) *fault.Error {
	c := *err
	c.What = fault.New(err.Kind, format, args...).What
	return &c
}

// firstPosition is the file and line of the first message that has one.
func firstPosition(said []string) string {
	for _, line := range said {
		if at := position.FindString(strings.TrimPrefix(line, "./")); at != "" {
			return strings.TrimSuffix(at, ": ")
		}
	}
	return ""
}

// needsCgo names the package of a failed build that has files for cgo only: go
// list sees them when cgo is switched on, which executes nothing.
func (e *Engine) needsCgo(ctx context.Context, t engine.Target, text string) string {
	args := slices.Concat([]string{"list", "-e", "-deps", "-json=ImportPath,Standard,CgoFiles"}, e.flags(t), []string{"--"}, folders(t))
	cmd := e.goCommand(ctx, append(t.Platform.GoEnv(), "CGO_ENABLED=1"), args...)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	// With -e the answer is of use even when the exit code is not 0.
	_ = cmd.Run()
	dec := json.NewDecoder(&stdout)
	for {
		var p struct {
			ImportPath string
			Standard   bool
			CgoFiles   []string
		}
		if dec.Decode(&p) != nil {
			return ""
		}
		if p.Standard || len(p.CgoFiles) == 0 {
			continue
		}
		for _, m := range excluded.FindAllStringSubmatch(text, -1) {
			if m[1] == p.ImportPath {
				return p.ImportPath
			}
		}
		if strings.Contains(text, "undefined: ") && mentions(text, p.ImportPath) {
			return p.ImportPath
		}
	}
}

// mentions tells whether a compile error is in the package or names something of it.
func mentions(text, pkg string) bool {
	return strings.Contains(text, "# "+pkg+"\n") || strings.Contains(text, "undefined: "+path.Base(pkg)+".")
}
