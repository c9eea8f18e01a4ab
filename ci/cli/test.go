package cli

import (
	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
)

func (s *session) testVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Vet and test the source with the pinned Go release",
		Long: "Test runs go vet and go test with the pinned Go release, in the engine, without credentials\n" +
			"and with caches that no build uses. The local engine runs them on this machine: for root on\n" +
			"Linux as user 65532, who sees an empty home and a copy of the source.",
	}
	flags := config.Bind(cmd.Flags())
	var rerun int
	bindReruns(cmd.Flags(), &rerun)
	race := cmd.Flags().Bool("race", false, "look for data races too, where there is a C compiler")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := s.pipeline()
		if err != nil {
			return err
		}
		p.Race, p.Rerun = *race, rerun
		_, err = p.Test(cmd.Context(), s.said(flags))
		return err
	}
	return cmd
}
