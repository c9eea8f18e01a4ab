package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

func (s *session) toolVerb() *cobra.Command {
	known := map[string]tool.Tool{"trivy": tool.Trivy(), "sigstore": tool.Sigstore()}
	names := []string{"trivy", "sigstore"}
	return &cobra.Command{
		Use:   "tool NAME",
		Short: "Build a program that gates or signatures need, and print where it is",
		Long: "Tool builds a program that Slipway runs on this machine, from a Go module whose checksums it\n" +
			"has, and keeps it in the cache folder. It prints the program's path on stdout.\n\n" +
			"trivy, the scanner of the local engine, takes 5 to 15 minutes and 3 GB of Go's build cache\n" +
			"the first time; a Dagger engine needs none of it. sigstore signs and verifies without a key\n" +
			"and takes a minute or two; publish and verify build it by themselves where it is missing.",
		ValidArgs: names,
		Args:      cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, ok := known[args[0]]
			if !ok {
				return fault.New(fault.Usage, "there is no tool %q", args[0]).WithFix("name one of: %s", strings.Join(names, ", "))
			}
			o, err := s.tools()
			if err != nil {
				return err
			}
			program, ok := wanted.Installed(o)
			if !ok {
				err = step.Run(s.screen(), wanted.Name+" "+wanted.Version, func(st step.Step) (string, error) {
					program, err = wanted.Install(cmd.Context(), o, st)
					return program, err
				})
			}
			if err == nil {
				fmt.Fprintln(s.Stdout, program)
			}
			return err
		},
	}
}

// tools says where tools are kept.
func (s *session) tools() (tool.Options, error) {
	cache, err := s.cacheDir()
	return tool.Options{Env: s.Env, Cache: cache}, err
}

func (s *session) checkScanner(ctx context.Context, _ *config.Flags) ailment {
	o, err := s.tools()
	if err != nil {
		return ailment{err: err}
	}
	found, err := tool.FindTrivy(ctx, o, step.Silent{}.Start(""))
	if err != nil {
		return ailment{err: err, optional: "build works, and check with a Dagger engine; check with the local engine does not"}
	}
	return ailment{finding: "Trivy " + found.Version + " at " + found.Program}
}
