package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"example.com/slipway/ci/fault"
)

// The exit codes of the built program. go run turns each that is not 0 into 1.
const (
	ExitDone        = 0
	ExitUsage       = 2
	ExitSource      = 10
	ExitTests       = 11
	ExitGate        = 20
	ExitUnjudged    = 21
	ExitRegistry    = 30
	ExitEngine      = 40
	ExitBug         = 70
	ExitInterrupted = 130
	ExitTerminated  = 143
)

// ExitCodes says in a few words what each exit code means, in their order.
func ExitCodes() []struct {
	Code    int
	Meaning string
} {
	return []struct {
		Code    int
		Meaning string
	}{
		{ExitDone, "done"},
		{ExitUsage, "wrong flag, configuration or source folder"},
		{ExitSource, "the source does not build"},
		{ExitTests, "tests fail"},
		{ExitGate, "a gate refused the image"},
		{ExitUnjudged, "a gate could not judge the image"},
		{ExitRegistry, "a registry refused, failed or could not be reached, or a signing service"},
		{ExitEngine, "the engine is missing or broke down"},
		{ExitBug, "a bug in Slipway"},
		{ExitInterrupted, "interrupted"},
		{ExitTerminated, "terminated"},
	}
}

// Interrupt is the cause of a context that a signal ended.
type Interrupt struct{ Signal os.Signal }

func (i Interrupt) Error() string { return "stopped by " + i.Signal.String() }

// kind is the word for receipts.
func (i Interrupt) kind() string {
	if i.Signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

// ended is the error that a user is told: where the context has ended, that it has, and
// not what broke in consequence.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fault.New(fault.Bug, "%v", cause).WithFix("nothing was left half-written; run it again")
	}
	return err
}

// exitCode is the one place that maps errors to exit codes.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return ExitDone
	}
	if i, ok := errors.AsType[Interrupt](context.Cause(ctx)); ok {
		if i.Signal == syscall.SIGTERM {
			return ExitTerminated
		}
		return ExitInterrupted
	}
	switch fault.KindOf(err) {
	case fault.Usage:
		return ExitUsage
	case fault.Source:
		return ExitSource
	case fault.Tests:
		return ExitTests
	case fault.Gate:
		return ExitGate
	case fault.Unjudged:
		return ExitUnjudged
	case fault.Registry:
		return ExitRegistry
	case fault.Engine:
		return ExitEngine
	default:
		return ExitBug
	}
}

// unwritten tells whether the machine would not take what was to be written, into
// the cache folder or a folder for temporary files.
func unwritten(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}
