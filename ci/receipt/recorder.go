package receipt

import (
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/slipway/ci/step"
)

// Recorder passes on what a run reports and remembers it.
type Recorder struct {
	to    step.Reporter
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	steps []Step
	// logs are the last lines of each step.
	logs [][]string
	// failures are in the order of time.
	failures []failure
	notes    []string
}

// maxLog is how many lines of a step are kept.
const maxLog = 50

// NewRecorder returns a recorder in front of to, on a clock.
func NewRecorder(to step.Reporter, now func() time.Time) *Recorder {
	return &Recorder{to: to, now: now, began: now()}
}

// Start opens a step.
func (r *Recorder) Start(name string) step.Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps, r.logs = append(r.steps, Step{Name: name, After: r.since()}), append(r.logs, nil)
	return &recorded{Step: r.to.Start(name), recorder: r, at: len(r.steps) - 1}
}

// Note remembers a note.
func (r *Recorder) Note(text string) {
	r.mu.Lock()
	r.notes = append(r.notes, text)
	r.mu.Unlock()
	r.to.Note(text)
}

func (r *Recorder) since() int64 { return r.now().Sub(r.began).Milliseconds() }

// Record writes what was heard so far into a receipt.
func (r *Recorder) Record(to *Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.steps {
		if s.Outcome != "done" && s.Outcome != "cached" {
			r.steps[i].Log = slices.Clone(r.logs[i])
		}
	}
	to.Run.Started, to.Run.Ended = r.began.UTC(), r.now().UTC()
	to.Run.Steps = slices.Clone(r.steps)
	to.Notes = slices.Clone(r.notes)
}

type recorded struct {
	step.Step
	recorder *Recorder
	at       int
}

func (s *recorded) end(outcome, summary string) {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	was := &s.recorder.steps[s.at]
	was.Outcome, was.Summary, was.Took = outcome, summary, s.recorder.since()-was.After
}

// failure is what a step failed with.
type failure struct {
	step string
	err  error
}

func (r *Recorder) failed(at int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, failure{r.steps[at].Name, err})
}

// Failing is the name of the step that ended a run with an error: steps beside it may have
// failed as well, or have been ended because of it. Where it was in none, it is that of the
// step that failed last, or else of the one that is still open, or empty.
func (r *Recorder) Failing(ended error) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.failures {
		if errors.Is(ended, f.err) {
			return f.step
		}
	}
	name := ""
	for _, s := range r.steps {
		if s.Outcome == "failed" || s.Outcome == "" {
			name = s.Name
		}
	}
	return name
}

func (s *recorded) Log(line string) {
	s.recorder.mu.Lock()
	s.recorder.logs[s.at] = append(s.recorder.logs[s.at], line)
	if n := len(s.recorder.logs[s.at]); n > maxLog {
		s.recorder.logs[s.at] = s.recorder.logs[s.at][n-maxLog:]
	}
	s.recorder.mu.Unlock()
	s.Step.Log(line)
}

func (s *recorded) Ran(c step.Command) {
	s.recorder.mu.Lock()
	was := &s.recorder.steps[s.at]
	was.Commands = append(was.Commands, c)
	s.recorder.mu.Unlock()
	s.Step.Ran(c)
}

func (s *recorded) Done(summary string) {
	s.end("done", summary)
	s.Step.Done(summary)
}

func (s *recorded) Cached(summary string) {
	s.end("cached", summary)
	s.Step.Cached(summary)
}

func (s *recorded) Fail(err error) {
	s.end("failed", err.Error())
	s.recorder.failed(s.at, err)
	s.Step.Fail(err)
}
