package local

import (
	"context"
	"time"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/trial/runner"
)

// subject is a container that is tried.
type subject struct {
	*container.Container
	signal string
	ended  chan struct{}
	// state and err are there when ended is closed.
	state container.State
	err   error
}

// newSubject waits in the background for the end of a container, which remove
// brings about at the latest.
func newSubject(ctx context.Context, c *container.Container, signal string) *subject {
	s := &subject{Container: c, signal: signal, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.state, s.err = c.Wait(context.WithoutCancel(ctx))
	}()
	return s
}

func (s *subject) Address() string        { return s.Container.Address }
func (s *subject) Ended() <-chan struct{} { return s.ended }

// Exit is that of process 1, of which a runtime tells a code only.
func (s *subject) Exit() runner.Exit {
	e := runner.Exit{Code: s.state.Code, Memory: s.state.OutOfMemory, First: true}
	if e.Code > 128 && e.Code <= 128+64 {
		e.Signal = e.Code - 128
	}
	return e
}

// Signal passes the stop signal on. A runtime may be slow to say that a container has
// ended.
func (s *subject) Signal(ctx context.Context) error {
	err := s.Container.Signal(ctx, s.signal)
	if err == nil {
		return nil
	}
	select {
	case <-s.ended:
		return runner.ErrEnded
	case <-time.After(10 * time.Second):
		return err
	}
}

// Kill ends the container. Where that fails, remove does.
func (s *subject) Kill(ctx context.Context) { _ = s.Container.Signal(ctx, "SIGKILL") }

func (s *subject) remove(ctx context.Context) {
	s.Remove(ctx)
	<-s.ended
}

// trouble is what kept the runtime from telling how the container ended.
func (s *subject) trouble() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// Lines are the last that the program printed.
func (s *subject) Lines(ctx context.Context) []string {
	var tail runner.Tail
	// Without its lines, the sentence has to do.
	_ = s.Logs(ctx, &tail)
	return tail.Lines()
}
