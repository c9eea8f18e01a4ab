package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// Scan runs the Trivy that is at hand over an image, in a folder where nothing else
// is: Trivy obeys files of its working folder and home, and variables.
func (e *Engine) Scan(ctx context.Context, sc engine.Scan, s step.Step) (engine.Scanned, error) {
	scanner, err := tool.FindTrivy(ctx, e.tools(), s)
	if err != nil {
		return engine.Scanned{}, err
	}
	top, err := os.MkdirTemp("", "slipway-scan-")
	if err != nil {
		return engine.Scanned{}, fmt.Errorf("making a folder to scan in: %w", err)
	}
	defer os.RemoveAll(top)
	dir, temp := filepath.Join(top, "work"), filepath.Join(top, "tmp")
	if err := scanFolder(sc, dir, temp); err != nil {
		return engine.Scanned{}, fmt.Errorf("making a folder to scan in: %w", err)
	}
	s.Log(scanner.Program + " " + strings.Join(sc.Args, " "))
	watched, stop := watch(ctx, top, filepath.Join(dir, report), sc)
	defer stop()
	out := &gocmd.Bounded{}
	code, ended := tool.Confined{Program: scanner.Program, Args: sc.Args, Dir: dir, Temp: temp, Stdout: out, Stderr: out, Options: e.tools()}.Run(watched, s)
	s.Ran(step.Command{Args: append([]string{"trivy"}, sc.Args...), Exit: code})
	said := engine.Scanned{Code: code, Lines: gocmd.Lines(out.Bytes()), Version: scanner.Version}
	for _, line := range said.Lines {
		s.Log(line)
	}
	if ctx.Err() != nil {
		return engine.Scanned{}, context.Cause(ctx)
	}
	what, err := outcome(watched, ended, filepath.Join(dir, report), sc.Limit, &said)
	if err != nil {
		return engine.Scanned{}, fmt.Errorf("reading the scanner's report: %w", err)
	}
	if what != "" {
		return engine.Scanned{}, tool.Failed("Trivy "+scanner.Version, what, said.Lines)
	}
	return said, nil
}

// outcome takes up the report of a scanner that ended; what is a clause about one that
// gave none.
func outcome(watched context.Context, ended error, file string, limit int64, said *engine.Scanned) (what string, err error) {
	if cause := context.Cause(watched); cause != nil {
		return cause.Error(), nil
	}
	if ended != nil {
		return "did not run to its end: " + ended.Error(), nil
	}
	said.Report, what, err = readReport(file, limit)
	if what != "" && said.Code != 0 {
		what = fmt.Sprintf("%s and ended with exit code %d", what, said.Code)
	}
	return what, err
}

// report is what a scan's arguments let the scanner write.
const report = "report.json"

// tools says where tools are kept, with the user's environment.
func (e *Engine) tools() tool.Options {
	o := tool.Options{Cache: e.kept}
	for name, value := range e.user {
		o.Env = append(o.Env, name+"="+value)
	}
	return o
}

// scanFolder makes the scanner's folder and one for temporary files, which nobody else
// can read.
func scanFolder(sc engine.Scan, dir, temp string) error {
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(temp, 0o700)); err != nil {
		return err
	}
	for name, target := range map[string]string{"image": sc.Layout, "cache": sc.Cache} {
		target, err := filepath.Abs(target)
		if err != nil {
			return err
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// readReport reads a report of at most limit bytes; what says in a clause why it is none.
func readReport(name string, limit int64) (text []byte, what string, err error) {
	info, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, tool.NoReport, nil
	}
	if err != nil {
		return nil, "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, "", err
	case len(text) == 0:
		return nil, tool.EmptyReport, nil
	case int64(len(text)) > limit:
		return nil, tool.LargeReport(limit), nil
	}
	return text, "", nil
}
