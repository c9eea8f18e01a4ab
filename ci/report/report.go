// Package report shows a receipt in the forms that people and machines read: text for
// a terminal, JSON, SARIF, JUnit, Markdown and a page of HTML. A receipt that was saved
// can be shown in any of them later.
//
// What a receipt holds came from a source folder, a scanner and a program's output:
// every form is safe to open, whatever is written in them.
package report

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
)

// format is one form of a report, and its file among All.
type format struct {
	name, file string
	write      func(io.Writer, *receipt.Receipt) error
}

func formats() []format {
	return []format{
		{"text", "", func(w io.Writer, r *receipt.Receipt) error { return Text(w, r, TextOptions{}) }},
		{"json", "receipt.json", writeJSON},
		{"html", "report.html", writeHTML},
		{"sarif", "results.sarif", writeSARIF},
		{"junit", "junit.xml", writeJUnit},
		{"markdown", "summary.md", writeMarkdown},
	}
}

// Formats are the names that Write takes.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write writes a receipt in one form.
func Write(w io.Writer, name string, r *receipt.Receipt) error {
	all := formats()
	at := slices.IndexFunc(all, func(f format) bool { return f.name == name })
	if at < 0 {
		return fault.New(fault.Usage, "there is no report in the form %q", name).WithFix("the forms are %s", strings.Join(Formats(), ", "))
	}
	if err := all[at].write(w, r); err != nil {
		return fmt.Errorf("writing the report as %s: %w", name, err)
	}
	return nil
}

// All writes every form that has a file into a folder: receipt.json, report.html,
// results.sarif, junit.xml and summary.md. Each file is there as a whole, or as it was.
//
// Neither dir nor the folder that holds it may be a link: a repository could bring one
// along that leads to a folder of the user's.
func All(dir string, r *receipt.Receipt) error {
	texts := map[string][]byte{}
	for _, f := range formats() {
		if f.file == "" {
			continue
		}
		var b bytes.Buffer
		if err := Write(&b, f.name, r); err != nil {
			return err
		}
		texts[f.file] = b.Bytes()
	}
	for _, name := range []string{filepath.Dir(dir), dir} {
		if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("writing the report: %s is a link", name)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the report: %w", err)
	}
	for _, f := range formats() {
		if f.file == "" {
			continue
		}
		if err := replace(filepath.Join(dir, f.file), texts[f.file]); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

// replace puts text under a name in one step.
func replace(name string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Chmod(0o644) // a report is for others too: CreateTemp makes it the user's own
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
