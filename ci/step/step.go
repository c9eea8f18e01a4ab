// Package step is how a run tells what it is doing while it does it. Libraries
// report to a Reporter and print nothing themselves; ci/term draws what they
// report, and tests record it.
package step

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
	// Done ends the step: it did its work. The summary says with what result, and may be empty.
	Done(summary string)
	// Cached ends the step: an earlier result was used.
	Cached(summary string)
	// Fail ends the step. The error itself is shown once, at the end of the run.
	Fail(err error)
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
func (silent) Done(string)   {}
func (silent) Cached(string) {}
func (silent) Fail(error)    {}
