package gha

import (
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/step"
)

const (
	// slow is how long a step runs before the log says that it is running.
	slow = 5 * time.Second
	// maxKept bounds the lines that are kept of a step: its last ones, since an error
	// stands at the end.
	maxKept = 1000
	// maxShown are the last lines of a failed step, which are shown without a click.
	maxShown = 50
)

type reporter struct{ job *Job }

// Start opens a step.
func (r reporter) Start(name string) step.Step {
	j := r.job
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &openStep{job: j, name: name, begun: j.means.now()}
	if !j.closed {
		j.open = append(j.open, s)
		s.stop = j.means.after(slow, s.running)
	}
	return s
}

// Note prints a sentence, once however often it is told.
func (r reporter) Note(text string) {
	r.job.mu.Lock()
	defer r.job.mu.Unlock()
	r.job.note(text)
}

func (j *Job) note(text string) {
	if j.noted[text] {
		return
	}
	j.noted[text] = true
	p := page{job: j}
	p.labelled("note", text)
	p.write()
}

// openStep is a step that has not ended.
type openStep struct {
	job   *Job
	name  string
	begun time.Time
	stop  func() bool
	// lines are the last that its tools printed, and left how many came before.
	lines []string
	left  int
}

func (s *openStep) isOpen() bool { return slices.Contains(s.job.open, s) }

// running says that a step takes long.
func (s *openStep) running() {
	s.job.mu.Lock()
	defer s.job.mu.Unlock()
	if s.isOpen() {
		p := page{job: s.job}
		p.line(s.name + "  running")
		p.write()
	}
}

// Log keeps one line of a tool until the step ends.
func (s *openStep) Log(line string) {
	s.job.mu.Lock()
	defer s.job.mu.Unlock()
	if !s.isOpen() {
		return
	}
	for _, text := range split(line) {
		s.lines = append(s.lines, s.job.line(text))
	}
	if over := len(s.lines) - maxKept; over > 0 {
		s.lines, s.left = s.lines[over:], s.left+over
	}
}

// Ran prints nothing: Log has what the tool printed.
func (s *openStep) Ran(step.Command) {}

// Done ends the step as done.
func (s *openStep) Done(summary string) { s.finish("done", summary) }

// Cached ends the step as cached.
func (s *openStep) Cached(summary string) { s.finish("cached", summary) }

// Fail ends the step as failed. The error is left to Job.Error.
func (s *openStep) Fail(error) { s.finish("failed", "") }

func (s *openStep) finish(state, summary string) {
	s.job.mu.Lock()
	defer s.job.mu.Unlock()
	if s.isOpen() {
		s.job.end(s, state, summary)
	}
}

// end takes a step from the open ones and prints it in one write. The last lines of one
// that did not succeed are what a person looks for: they stand in the open.
func (j *Job) end(s *openStep, state, summary string) {
	j.open = slices.DeleteFunc(j.open, func(o *openStep) bool { return o == s })
	s.stop()
	parts := []string{s.name, state, step.Duration(j.means.now().Sub(s.begun)), summary}
	head := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "  ")
	before, shown := s.lines, []string(nil)
	if state == "failed" || state == "stopped" {
		n := max(len(s.lines)-maxShown, 0)
		before, shown = s.lines[:n], s.lines[n:]
	}
	if s.left > 0 {
		before = append([]string{plain.Count(s.left, "line") + " before are left out"}, before...)
	}
	p := page{job: j}
	switch {
	case len(shown) == 0 && len(before) == 0:
		p.line(head)
	case len(shown) == 0:
		p.group(head, before)
	default:
		p.line(head)
		if len(before) > 0 {
			p.group(s.name+": what came before the last lines", before)
		}
		for _, line := range shown {
			p.line("  " + line)
		}
	}
	p.write()
}
