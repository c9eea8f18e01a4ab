package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/pipeline"
)

// asked are the flags that say how to judge once, and not what a source is: they have
// variables, so that a job can be asked too, and no keys.
var asked = [...]string{"gate", "twice", "rerun-failed"}

func bindChecks(flags *pflag.FlagSet, checks *pipeline.Checks) {
	flags.StringSliceVar(&checks.Gates, "gate", nil, "let these gates judge only: "+strings.Join(finding.Gates(), ", "))
	flags.BoolVar(&checks.Twice, "twice", false, "build again without any cache and compare digests")
	bindReruns(flags, &checks.Rerun)
}

// choose reads the variables of flags that nobody used, and makes sure that there are
// gates of the names that were said.
func (s *session) choose(flags *pflag.FlagSet, checks *pipeline.Checks) error {
	for _, name := range asked {
		variable := "SLIPWAY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if text := s.getenv(variable); text != "" && !flags.Changed(name) {
			if err := flags.Lookup(name).Value.Set(text); err != nil {
				return fault.New(fault.Usage, "the variable %s: %v", variable, err).WithFix("correct it or unset it")
			}
		}
	}
	for _, name := range checks.Gates {
		if !slices.Contains(finding.Gates(), name) {
			return fault.New(fault.Usage, "--gate: there is no gate %q", name).WithFix("the gates are %s", strings.Join(finding.Gates(), ", "))
		}
		checks.Twice = checks.Twice || name == finding.GateReproducible
	}
	return nil
}

// maxReruns bounds how often tests are run again: each time can take as long as the
// first one.
const maxReruns = 10

// reruns is a flag for how often tests that fail are run again.
type reruns int

func bindReruns(flags *pflag.FlagSet, n *int) {
	flags.Var((*reruns)(n), "rerun-failed", "run tests that fail again, up to `N` times, and call those flaky that then pass")
}

func (r *reruns) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxReruns {
		return fmt.Errorf("want a number from 0 to %d", maxReruns)
	}
	*r = reruns(n)
	return nil
}

func (r *reruns) String() string { return strconv.Itoa(int(*r)) }

func (r *reruns) Type() string { return "int" }
