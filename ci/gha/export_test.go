package gha

import (
	"io"
	"time"

	"example.com/slipway/ci/receipt"
)

// Means are what a test gives a Job in place of chance and time.
type Means struct {
	Token string
	Now   func() time.Time
	After func(d time.Duration, f func()) (stop func() bool)
}

// NewWith is New with other means.
func NewWith(getenv func(string) string, out io.Writer, m Means) *Job {
	return newJob(getenv, out, means{token: func() string { return m.Token }, now: m.Now, after: m.After})
}

// Commands are those of the annotations of a receipt.
func (j *Job) Commands(r *receipt.Receipt, root string) []command {
	var list []command
	for _, a := range limited(annotations(r, root)) {
		list = append(list, j.commandOf(a))
	}
	return list
}

// Defused is a line as it goes to the log.
func (j *Job) Defused(text string) string { return j.line(text) }

const (
	Delimiter  = delimiter
	MaxSummary = maxSummary
)
