package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

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
