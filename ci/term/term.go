// Package term shows a run to the person who started it: a live list of steps on a
// terminal, a line for each event in a log. It is the Reporter of ci/cli; nothing
// below ci/cli writes to a terminal.
package term

import (
	"slices"
	"sync"
	"time"

	"example.com/slipway/ci/step"
)

// interval is the time between two drawings of the running steps.
const interval = 100 * time.Millisecond

// slow is how long a step runs before a log says that it is running.
const slow = 5 * time.Second

var _ step.Reporter = (*Terminal)(nil)

// Terminal draws one run. Its methods may be called from several goroutines.
type Terminal struct {
	o Options

	mu      sync.Mutex
	running []*openStep // in the order in which they began
	noted   map[string]bool
	alike   alike
	closed  bool
	screen  screen

	quit, gone chan struct{}
}

// openStep is a step that has not ended.
type openStep struct {
	t         *Terminal
	name      string
	begun     time.Time
	announced bool
}

// New returns a Terminal. It is to be closed.
func New(o Options) *Terminal {
	t := &Terminal{
		o:     o.withDefaults(),
		noted: map[string]bool{},
		quit:  make(chan struct{}),
		gone:  make(chan struct{}),
	}
	go t.follow()
	return t
}

// follow draws on every tick until Close.
func (t *Terminal) follow() {
	defer close(t.gone)
	ticks := t.o.Ticks
	if ticks == nil {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case <-t.quit:
			return
		case <-ticks:
			t.tick()
		}
	}
}

// Close ends the drawing: steps that are still open are shown as stopped, and the
// cursor is left at the beginning of an empty line. Whatever else writes to the
// same terminal does so after Close. A second Close does nothing; Note and Error
// may follow, steps are no longer shown.
func (t *Terminal) Close() {
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	t.mu.Unlock()
	if first {
		close(t.quit)
	}
	<-t.gone
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.running) > 0 {
		t.end(t.running[0], stopped, "")
	}
	t.draw(t.unfold(""))
}

// Start opens a step.
func (t *Terminal) Start(name string) step.Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.o.Quiet {
		return step.Silent{}.Start(name)
	}
	r := &openStep{t: t, name: clean(name), begun: t.o.Now()}
	t.running = append(t.running, r)
	t.draw("")
	return r
}

// Note prints a sentence, once however often it is told.
func (t *Terminal) Note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.o.Quiet || t.noted[text] {
		return
	}
	t.noted[text] = true
	t.draw(t.labelled("note", yellow, t.folded("note", text)))
}

// Error prints the error that ended the run: what went wrong, the failing tool's
// own lines, and what can be done about it. It is printed with Quiet, too.
func (t *Terminal) Error(err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draw(t.unfold("") + t.failure(err))
}

// Log prints one line of a tool with Verbose.
func (r *openStep) Log(line string) {
	if !r.t.o.Verbose {
		return
	}
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if slices.Contains(r.t.running, r) {
		r.t.draw(r.t.toolLines(r.name, line))
	}
}

// Ran prints nothing: Log has what the tool printed.
func (r *openStep) Ran(step.Command) {}

// Done ends the step as done.
func (r *openStep) Done(summary string) { r.finish(done, summary) }

// Cached ends the step as cached.
func (r *openStep) Cached(summary string) { r.finish(cached, summary) }

// Fail ends the step as failed. The error is left to Terminal.Error.
func (r *openStep) Fail(error) { r.finish(failed, "") }

func (r *openStep) finish(s state, summary string) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	r.t.end(r, s, clean(summary))
}

// end takes a step from the running ones and prints its last line. A step that has
// ended stays as it was.
func (t *Terminal) end(r *openStep, s state, summary string) {
	i := slices.Index(t.running, r)
	if i < 0 {
		return
	}
	t.running = slices.Delete(t.running, i, i+1)
	text := t.unfold(r.name)
	if !t.fold(r, s) {
		text += t.ended(r.name, s, t.o.Now().Sub(r.begun), summary)
	}
	t.draw(text)
}

// tick redraws a terminal; in a log it tells which steps have become slow.
func (t *Terminal) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := ""
	for _, r := range t.running {
		if !t.o.TTY && !r.announced && t.o.Now().Sub(r.begun) >= slow {
			r.announced = true
			text += fields(r.name, "running")
		}
	}
	t.draw(text)
}
