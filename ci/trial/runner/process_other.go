//go:build !linux

package runner

import (
	"context"
	"runtime"
)

// Run has nothing that could start a Linux program.
func Run(context.Context, Trial) Report {
	return Report{Unjudged: true, Fault: runtime.GOOS + " does not run Linux programs", Fix: "start docker or podman"}
}
