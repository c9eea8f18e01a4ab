package process

import "cmp"

// Compiling are variables of a go command that compiles, and runs nothing of what it
// compiles: its compilers collect garbage later, unless the user says when, and each has a
// bound. What they write is the same (docs/decisions.md).
func Compiling(getenv func(name string) string) []string {
	return []string{"GOGC=" + cmp.Or(getenv("GOGC"), "400"), "GOMEMLIMIT=1GiB"}
}
