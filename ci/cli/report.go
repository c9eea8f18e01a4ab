package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/report"
	"example.com/slipway/ci/term"
)

func (s *session) reportVerb() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "report [RECEIPT]",
		Short: "Show a saved receipt again: as text, JSON, HTML, SARIF, JUnit or Markdown",
		Long: "Report shows what check has saved, in any form, on stdout. Without a receipt it takes\n" +
			".slipway/report/receipt.json of the source folder; - is stdin.",
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&form, "format", "text", strings.Join(report.Formats(), ", "))
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if !slices.Contains(report.Formats(), form) {
			return fault.New(fault.Usage, "--format: there is no form %q", form).WithFix("the forms are %s", strings.Join(report.Formats(), ", "))
		}
		name := filepath.Join(s.src, ".slipway", "report", "receipt.json")
		if len(args) > 0 {
			name = args[0]
		}
		r, err := s.readReceipt(name)
		if err != nil {
			return err
		}
		return s.printReport(form, r)
	}
	return cmd
}

// printReport writes a report to stdout, in the width and colours of its terminal.
func (s *session) printReport(form string, r *receipt.Receipt) error {
	if form != "text" {
		return report.Write(s.Stdout, form, r)
	}
	terminal, width, _ := term.Window(s.Stdout)
	o := report.TextOptions{Color: term.Detect(s.getenv, terminal).Color}
	if width != nil {
		o.Width = width()
	}
	return report.Text(s.Stdout, r, o)
}

func (s *session) readReceipt(name string) (*receipt.Receipt, error) {
	text, err := s.readBounded(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "there is no receipt at %s", name).WithFix("slipway check writes one")
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "reading the receipt: %v", err).WithFix("name a receipt.json that slipway check wrote")
	}
	r, err := report.Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// readBounded reads a regular file, or stdin, up to a byte more than a receipt can have.
func (s *session) readBounded(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(s.Stdin, report.MaxReceipt+1))
	}
	info, err := os.Stat(s.path(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	file, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, report.MaxReceipt+1))
}
