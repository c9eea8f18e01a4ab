// Package step is how a run tells what it is doing while it does it. Libraries
// report to a Reporter and print nothing themselves; ci/term draws what they
// report, and tests record it.
package step

import "errors"

// Reporter hears about the steps of a run. Its methods may be called from
// several goroutines.
type Reporter interface {
	// Start opens a step, named as the user sees it, for example "build linux/amd64".
	Start(name string) Step
	// Note tells the user something that they should know but that stops nothing,
	// as one sentence without a final full stop.
	Note(text string)
}

// Step is one open step. Exactly one of Done, Cached or Fail ends it.
type Step interface {
	// Log passes on one line that a tool printed. It is shown with --verbose only.
	Log(line string)
	// Ran passes on that a tool has ended.
	Ran(c Command)
	// Done ends the step: it did its work. The summary says with what result, and may be empty.
	Done(summary string)
	// Cached ends the step: an earlier result was used.
	Cached(summary string)
	// Fail ends the step. The error itself is shown once, at the end of the run.
	Fail(err error)
}

// Command is one call of a tool, as somebody could make it again.
type Command struct {
	// Args are its name and arguments.
	Args []string `json:"args"`
	// Env is what of its environment decides the result, as NAME=value. It never has a
	// secret.
	Env []string `json:"env,omitempty"`
	// Exit is its exit code, or -1 where it was ended from outside.
	Exit int `json:"exit"`
}

// Exit is the exit code that a command's error tells: 0 for none, -1 for one without.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	if ended, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return ended.ExitCode()
	}
	return -1
}

// Run runs one step and reports how it ended; run returns the summary.
func Run(r Reporter, name string, run func(Step) (string, error)) error {
	s := r.Start(name)
	summary, err := run(s)
	if err != nil {
		s.Fail(err)
		return err
	}
	s.Done(summary)
	return nil
}

// Silent is a Reporter that drops everything.
type Silent struct{}

// Start opens a step that nobody watches.
func (Silent) Start(string) Step { return silent{} }

// Note drops the text.
func (Silent) Note(string) {}

type silent struct{}

func (silent) Log(string)    {}
func (silent) Ran(Command)   {}
func (silent) Done(string)   {}
func (silent) Cached(string) {}
func (silent) Fail(error)    {}
