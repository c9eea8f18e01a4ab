package gocmd

import (
	"strings"

	"example.com/slipway/ci/plan"
)

// compilerFlags are the contract's linker flags with the plan's own.
func compilerFlags(b plan.Build) []string {
	var words []string
	switch b.Strip {
	case "full":
		words = append(words, "-s", "-w")
	case "dwarf":
		words = append(words, "-w")
	}
	for _, v := range b.Vars {
		words = append(words, "-X", quote(v.Name+"="+v.Value))
	}
	flags := []string{"-ldflags=" + strings.Join(words, " ")}
	if b.Debug {
		flags = append(flags, "-gcflags=all=-N -l")
	}
	return flags
}

// quote writes one word as cmd/internal/quoted splits it: in either quotes and
// without escapes. ci/config has refused values that have both.
func quote(word string) string {
	switch {
	case !strings.ContainsAny(word, " \t\n\r'\""):
		return word
	case !strings.Contains(word, "'"):
		return "'" + word + "'"
	default:
		return `"` + word + `"`
	}
}
