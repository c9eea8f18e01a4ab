package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/ask"
)

// The pauses between attempts: up to firstPause, then up to twice as much each time.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// patience is how long one operation goes on.
type patience struct {
	r     *Repository
	began time.Time
	until time.Time
	tries int // since the last progress
	total int
}

func (r *Repository) patience() *patience {
	now := r.o.Clock.Now()
	return &patience{r: r, began: now, until: now.Add(r.o.Budget)}
}

// progress starts the budget again: something was done that stays done.
func (p *patience) progress() {
	p.tries, p.until = 0, p.r.o.Clock.Now().Add(p.r.o.Budget)
}

// wait sleeps before the next attempt, at least for as long as the registry asked. It
// is false if there is none.
func (p *patience) wait(ctx context.Context, after time.Duration) bool {
	left := p.until.Sub(p.r.o.Clock.Now())
	if left <= 0 {
		return false
	}
	p.tries++
	ceiling := min(firstPause<<min(p.tries-1, 10), longestPause)
	if after > 0 {
		// Everybody who was told the same comes back a little apart.
		ceiling = firstPause
	}
	pause := after + time.Duration(p.r.o.Random()*float64(ceiling))
	return p.r.o.Clock.Sleep(ctx, min(pause, left)) == nil
}

// persist tries until it succeeds, fails for good, or the budget is used up.
func (p *patience) persist(ctx context.Context, try func(context.Context) error) error {
	for {
		a := &attempt{}
		p.total++
		err := try(context.WithValue(ctx, attemptKey{}, a))
		if err == nil || ctx.Err() != nil || !p.r.passes(err) {
			return err
		}
		if !p.wait(ctx, time.Duration(a.after.Load())) {
			return &tiredError{err: err, tries: p.total, spent: p.r.o.Clock.Now().Sub(p.began)}
		}
	}
}

// tiredError is a failure that did not pass within the budget.
type tiredError struct {
	err   error
	tries int
	spent time.Duration
}

func (e *tiredError) Error() string {
	return fmt.Sprintf("%v, after %d tries in %s", e.err, e.tries, e.spent.Round(time.Second))
}
func (e *tiredError) Unwrap() error { return e.err }

// againError is a failure that the next attempt deals with.
type againError struct{ err error }

func (e *againError) Error() string { return e.err.Error() }
func (e *againError) Unwrap() error { return e.err }

// passes tells whether another attempt may succeed.
func (r *Repository) passes(err error) bool {
	if _, again := errors.AsType[*againError](err); again {
		return true
	}
	if status, ok := errors.AsType[*transport.Error](err); ok {
		return isTemporary(status)
	}
	if _, refused := errors.AsType[*ask.RedirectError](err); refused || ask.IsCertificate(err) {
		return false
	}
	if !r.answered.Load() && !r.wasReached(err) {
		return false
	}
	_, sent := errors.AsType[*url.Error](err)
	_, broken := errors.AsType[*ask.BrokenError](err)
	return sent || broken || errors.Is(err, ask.ErrSilent) || errors.Is(err, ask.ErrStalled)
}

// wasReached tells of an error from a registry that has never answered whether
// somebody may be there: waiting does not mend a name or a port.
func (r *Repository) wasReached(err error) bool {
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	return !errors.Is(err, syscall.ECONNREFUSED) && (!isDNS || !unknown.IsNotFound) && (r.plain || !ask.IsTLS(err))
}

// isTemporary tells whether a status may be another one later.
func isTemporary(e *transport.Error) bool {
	switch e.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return e.StatusCode >= http.StatusInternalServerError || hasCode(e, transport.TooManyRequestsErrorCode)
}

// hasCode tells whether an answer names one of the codes of the distribution API.
func hasCode(err error, codes ...transport.ErrorCode) bool {
	e, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return false
	}
	for _, d := range e.Errors {
		for _, code := range codes {
			if d.Code == code {
				return true
			}
		}
	}
	return false
}

func hasStatus(err error, codes ...int) bool {
	e, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if e.StatusCode == code {
			return true
		}
	}
	return false
}

func isRefused(err error) bool {
	return hasStatus(err, http.StatusUnauthorized, http.StatusForbidden)
}

// longestAfter bounds what a registry can ask for; the budget ends before.
const longestAfter = 24 * time.Hour

// retryAfter reads a Retry-After header: seconds, or an HTTP date. What is neither
// counts as absent. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAfter)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), longestAfter)
}
