package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Subject is a program that was started.
type Subject interface {
	// Address is the host and port that lead to its port.
	Address() string
	// Connects tells whether it takes connections there.
	Connects(ctx context.Context) bool
	// Ended is closed when it has ended. Only then Exit may be called.
	Ended() <-chan struct{}
	Exit() Exit
	// Signal asks it to stop, and says ErrEnded where it had ended before. Kill ends it.
	Signal(ctx context.Context) error
	Kill(ctx context.Context)
	// Lines are the last that it printed.
	Lines(ctx context.Context) []string
}

// ErrEnded says that a program had ended by itself.
var ErrEnded = errors.New("the program has ended")

const (
	pause = 50 * time.Millisecond

	// killed is the number of SIGKILL.
	killed = 9

	fixMemory = "let it take less, or let GOMEMLIMIT in env tell it the limit"
	fixEnd    = "its last lines may say why: it has a read-only root, no capabilities and little memory; smoke-env and smoke-args in .slipway.yaml give it more"
)

// attempt is a trial while it runs.
type attempt struct {
	Subject
	want   Trial
	start  time.Time
	report Report
}

// Try watches a program that has just been started until it has ended. The error says
// that nobody can tell how it went.
func Try(ctx context.Context, t Trial, s Subject) (Report, error) {
	a := &attempt{Subject: s, want: t, start: time.Now()}
	err := a.run(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil && a.report.Fault != "" {
		a.report.Lines = s.Lines(ctx)
	}
	return a.report, err
}

func (a *attempt) run(ctx context.Context) error {
	if a.want.Port > 0 && !a.wait(ctx) {
		return nil
	}
	up := time.Since(a.start)
	stays := a.stays(ctx)
	if a.want.Port == 0 {
		up = time.Since(a.start)
	}
	a.report.Ready = up
	if !stays || ctx.Err() != nil {
		return nil
	}
	// Where a machine is busy, the proxy of a runtime may have held a connection for a while
	// that leads to nobody.
	if a.want.Port > 0 && !a.wait(ctx) {
		return nil
	}
	return a.stop(ctx)
}

func (a *attempt) fault(fix, format string, args ...any) {
	a.report.Fault, a.report.Fix = fmt.Sprintf(format, args...), fix
}

// wait returns when the program answers, or says why it does not.
func (a *attempt) wait(ctx context.Context) bool {
	limit, cancel := context.WithTimeout(ctx, a.want.Wait)
	defer cancel()
	what, answer := fmt.Sprintf("take connections on port %d", a.want.Port), ""
	if a.want.Health != "" {
		what = "answer GET " + a.want.Health
	}
	for {
		if a.Connects(limit) {
			if a.want.Health == "" {
				return true
			}
			status, said := get(limit, a.Address(), a.want.Health)
			if status >= 200 && status < 300 {
				return true
			}
			// An answer says more than the end of the time in which there was none.
			if answer == "" || status > 0 {
				answer = said
			}
		}
		select {
		case <-a.Ended():
			a.ended("before it could " + what)
			return false
		case <-limit.Done():
			a.silent(answer)
			return false
		case <-time.After(pause):
		}
	}
}

// silent says that the program was waited for in vain, with its last answer.
func (a *attempt) silent(answer string) {
	if answer != "" {
		a.fault("health in .slipway.yaml names the path; its last lines may say more",
			"the program does not answer GET %s with a status of 200 to 299 within %s: %s", a.want.Health, a.want.Wait, answer)
		return
	}
	a.fault("it has to listen on every address, as :8080 and not as 127.0.0.1:8080; port in .slipway.yaml names another port",
		"the program does not take connections on port %d within %s", a.want.Port, a.want.Wait)
}

// stays tells whether the program is still up some time after its start. One without a
// port may have done its work by then.
func (a *attempt) stays(ctx context.Context) bool {
	select {
	case <-a.Ended():
		a.itself()
		return false
	case <-ctx.Done():
		return true
	case <-time.After(a.want.Up - time.Since(a.start)):
		return true
	}
}

// itself judges a program that ended by itself.
func (a *attempt) itself() {
	if a.want.Port > 0 || a.Exit() != (Exit{First: a.Exit().First}) {
		a.ended(fmt.Sprintf("by itself within %s of its start", a.want.Up))
	}
}

// stop asks the program to stop, and says how it does.
func (a *attempt) stop(ctx context.Context) error {
	asked := time.Now()
	if err := a.Signal(ctx); errors.Is(err, ErrEnded) {
		<-a.Ended()
		a.itself()
		return nil
	} else if err != nil {
		return err
	}
	select {
	case <-a.Ended():
	case <-ctx.Done():
		return nil
	case <-time.After(a.want.Stop):
		a.Kill(ctx)
		a.fault("end it on that signal (signal.NotifyContext), or name another one with stop-signal",
			"the program does not stop within %s of %s", a.want.Stop, a.want.Signal.Name)
		return nil
	}
	a.report.Stopped = time.Since(asked)
	if !a.asked(ctx, a.Exit()) {
		a.ended("after " + a.want.Signal.Name)
		if a.Exit().Signal == 0 && !a.Exit().Memory {
			a.report.Fix = "a program that was asked to stop ends with 0"
		}
	}
	return nil
}

// asked tells whether a program ended because it was asked to: by itself, or by the
// signal, for which it has no handler then.
func (a *attempt) asked(ctx context.Context, e Exit) bool {
	number := a.want.Signal.Number
	switch {
	case e.Memory:
		return false
	case e == Exit{First: e.First}, e.Signal == number, e.Code == 128+number:
		return true
	}
	// Go's runtime ends itself with 2 where the kernel spares process 1. A panic has the
	// same code, but has something to say.
	return e.First && e.Code == 2 && !strings.Contains(strings.Join(a.Lines(ctx), "\n"), "goroutine ")
}

// ended says how a program ended that should not have.
func (a *attempt) ended(when string) {
	switch e := a.Exit(); {
	case e.Memory:
		a.fault(fixMemory, "the program took more than %d MB of memory %s", a.want.Memory>>20, when)
	case e.Signal == killed:
		// Not every runtime tells why.
		a.fault(fixMemory, "the program was killed by the system %s, most likely because it took more than %d MB of memory", when, a.want.Memory>>20)
	case e.Signal > 0:
		a.fault(fixEnd, "the program was ended by signal %d %s", e.Signal, when)
	default:
		a.fault(fixEnd, "the program ended with exit code %d %s", e.Code, when)
	}
}
