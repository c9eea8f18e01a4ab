package cli

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"
)

func (s *session) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of Slipway and of what decides an image's bytes",
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("reading the build information of this program: there is none")
			}
			fmt.Fprintf(s.Stdout, "slipway %s, built by %s\n", info.Main.Version, info.GoVersion)
			for _, m := range info.Deps {
				if slices.Contains([]string{"github.com/google/go-containerregistry", "github.com/klauspost/compress", "github.com/klauspost/pgzip"}, m.Path) {
					fmt.Fprintf(s.Stdout, "%s %s\n", m.Path, m.Version)
				}
			}
			return nil
		},
	}
}
