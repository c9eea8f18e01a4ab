// Package fault is the one error type that reaches a user: a sentence that says
// what was being done, to what, and why it stopped, with what to do about it.
//
// A caller that decides something looks at the Kind; ci/cli maps kinds to exit
// codes in one place. Everything below that level wraps an ordinary error once.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind tells which part of a run an error belongs to.
type Kind int

// The kinds, one for each exit code that an error can lead to.
const (
	// Bug is every error that nobody gave a kind: Slipway is wrong, not the user.
	Bug Kind = iota
	// Usage is a wrong flag, configuration or source folder.
	Usage
	// Source is source that does not build.
	Source
	// Tests is failing tests.
	Tests
	// Gate is an image that a gate judged and refused.
	Gate
	// Unjudged is a gate that could not judge.
	Unjudged
	// Registry is a registry that refused, failed or could not be reached.
	Registry
	// Engine is an engine that is missing or broke down.
	Engine
)

// String is the kind's word: usage, source, tests, gate, unjudged, registry, engine or bug.
func (k Kind) String() string {
	return [...]string{"bug", "usage", "source", "tests", "gate", "unjudged", "registry", "engine"}[k]
}

// Error is a failure in words for the user.
type Error struct {
	Kind Kind
	// What says what was being done, to what, and why it stopped: one clause in
	// lower case, without a final full stop.
	What string
	// Fix says what the user can do. It may be empty only where What says it.
	Fix string
	// Detail holds the lines of the tool that failed, as it printed them.
	Detail []string
	// Err is the cause, for errors.Is and errors.As. It is not printed.
	Err error
}

// New returns an error of a kind; What is formatted as by fmt.Sprintf.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, What: fmt.Sprintf(format, args...)}
}

// WithFix returns a copy that says what the user can do.
func (e *Error) WithFix(format string, args ...any) *Error {
	c := *e
	c.Fix = fmt.Sprintf(format, args...)
	return &c
}

// WithDetail returns a copy that carries the failing tool's own lines.
func (e *Error) WithDetail(lines ...string) *Error {
	c := *e
	c.Detail = slices.Clone(lines)
	return &c
}

// WithCause returns a copy that unwraps to err.
func (e *Error) WithCause(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Error is the sentence in one line: What, then Fix.
func (e *Error) Error() string {
	if e.Fix == "" {
		return e.What
	}
	return strings.TrimSuffix(e.What, ".") + ": " + e.Fix
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err's chain, or Bug.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Bug
}
