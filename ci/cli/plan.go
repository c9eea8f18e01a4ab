package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
)

func (s *session) planVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print what a build would do, and where each value comes from",
	}
	flags := config.Bind(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := s.pipeline()
		if err != nil {
			return err
		}
		made, _, err := p.Plan(cmd.Context(), s.said(flags))
		if err != nil {
			return err
		}
		if asJSON {
			enc := json.NewEncoder(s.Stdout)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(made)
		}
		return s.printPlan(made)
	}
	return cmd
}

// printPlan prints a line for each value that is set, with its origin.
func (s *session) printPlan(p *config.Plan) error {
	w := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	values := p.Values()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, values[name], p.Origins[name])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range p.Notes {
		s.screen().Note(note)
	}
	return nil
}
