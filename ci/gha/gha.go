// Package gha shows a run to GitHub Actions: its log, annotations on the lines that
// fail, the summary and the outputs of its job. Anywhere else it does nothing.
//
// The runner reads both streams of a step and takes lines of them for commands. What a
// run prints came from a source folder, which must give no commands: from New to Close
// they are stopped by a random token, and heard only around those of our own. Every line
// from outside is made harmless even so. This holds for what is written through a Job,
// which is stderr. Stdout is the caller's, and has nothing but digests.
package gha

import (
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/step"
)

// Job is the job of GitHub Actions that a run is a part of. The nil Job is none: its
// methods do nothing. They may be called from several goroutines.
type Job struct {
	getenv func(string) string
	out    io.Writer
	means  means

	mu sync.Mutex
	// token lets the runner hear commands again. It is empty while it hears them.
	token   string
	secrets []string
	open    []*openStep // in the order in which they began
	noted   map[string]bool
	closed  bool
}

// means are the chance and the time of a Job.
type means struct {
	token func() string
	now   func() time.Time
	// after calls f later, unless stop is called before.
	after func(d time.Duration, f func()) (stop func() bool)
}

// New returns the job that the environment tells of, or nil outside GitHub Actions. It
// stops the commands of the log, which is out, until Close.
func New(getenv func(string) string, out io.Writer) *Job {
	return newJob(getenv, out, means{
		token: rand.Text, // 130 bits
		now:   time.Now,
		after: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
	})
}

func newJob(getenv func(string) string, out io.Writer, m means) *Job {
	if getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	j := &Job{getenv: getenv, out: out, means: m, noted: map[string]bool{}}
	j.stop()
	return j
}

// minSecret is the shortest text that is hidden, in bytes. A shorter one is in every
// other line, also as a part of digests: hiding it would spoil the log and still tell it
// by the gaps.
const minSecret = 4

// Mask hides secrets in everything that is said from now on: by the runner in the log of
// the whole job, and by the Job itself in whatever it writes. The runner looks at one
// line at a time, so each line of a secret is one.
func (j *Job) Mask(secrets ...string) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var masks []command
	for _, secret := range secrets {
		for line := range strings.FieldsFuncSeq(secret, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.TrimSpace(line); len(line) < minSecret || slices.Contains(j.secrets, line) {
				continue
			}
			masks = append(masks, command{Name: "add-mask", Message: line})
			j.secrets = append(j.secrets, line)
			if shown := plain.Line(line); len(shown) >= minSecret && shown != line {
				j.secrets = append(j.secrets, shown)
			}
		}
	}
	// A secret that is part of another one is hidden after it.
	slices.SortStableFunc(j.secrets, func(a, b string) int { return len(b) - len(a) })
	j.issue(masks...)
}

// maxDetail bounds the lines of a tool under an error.
const maxDetail = 20

// Error prints the error that ended the run: what went wrong, the failing tool's own
// lines, and what can be done about it.
func (j *Job) Error(err error) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	p := page{job: j}
	for _, w := range fault.Tell(err) {
		p.labelled("error", w.What)
		lines := split(w.Detail...)
		for _, line := range lines[:min(len(lines), maxDetail)] {
			p.line("  " + line)
		}
		if rest := len(lines) - maxDetail; rest > 0 {
			p.line("  and " + plain.Count(rest, "more line"))
		}
		if w.Fix != "" {
			p.labelled("fix", w.Fix)
		}
	}
	p.write()
}

// Close shows the steps that are still open as stopped, and lets the runner hear
// commands again. A second Close does nothing.
func (j *Job) Close() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	for len(j.open) > 0 {
		j.end(j.open[0], "stopped", "")
	}
	j.closed = true
	j.resume()
}

// Reporter is the log of the run: a line for each step when it ends, with what its tools
// printed in a group behind it. Steps run side by side, so their lines are kept until then.
func (j *Job) Reporter() step.Reporter {
	if j == nil {
		return step.Silent{}
	}
	return reporter{j}
}
