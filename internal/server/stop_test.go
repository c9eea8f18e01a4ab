package server_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/internal/server"
)

// pipes is a listener in memory, so that a stop runs on the bubble's clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// status sends one request on a connection of its own; 0 means that none was answered.
func (p *pipes) status(t *testing.T, path string) int {
	transport := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server"+path, nil)
	if err != nil {
		return 0
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// slowly answers every fetch after a time.
func slowly(after time.Duration) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(after):
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})}
}

// begin serves, with a stop and its result at hand.
func begin(t *testing.T, o server.Options) (p *pipes, stop func(), done <-chan error) {
	p, result := newPipes(), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { result <- server.New(o).Serve(ctx, p) }()
	return p, cancel, result
}

func TestServe_StopsWithTheRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, stop, done := begin(t, server.Options{
			Client: slowly(4 * time.Second), FetchHosts: []string{"example.com"}, ShutdownTimeout: 10 * time.Second,
		})
		require.Equal(t, http.StatusOK, p.status(t, "/readyz"))
		inFlight := make(chan int)
		go func() { inFlight <- p.status(t, "/fetch?url=https://example.com/") }()
		synctest.Wait()

		stop()
		stopped := time.Now()
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, p.status(t, "/readyz"))
		require.Equal(t, http.StatusOK, p.status(t, "/healthz"), "stopping is not dying")
		require.Equal(t, http.StatusOK, p.status(t, "/version"), "requests are still taken")

		time.Sleep(1100 * time.Millisecond)
		require.Zero(t, p.status(t, "/healthz"), "the listener is closed")
		require.Empty(t, done, "it waits")

		require.Equal(t, http.StatusOK, <-inFlight)
		require.NoError(t, <-done)
		require.Less(t, time.Since(stopped), 6*time.Second, "it waits no longer than it must")
	})
}

func TestServe_CutsTheRequestsThatOutlastTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, stop, done := begin(t, server.Options{
			Client: slowly(time.Hour), FetchHosts: []string{"example.com"}, FetchTimeout: time.Hour, ShutdownTimeout: 10 * time.Second,
		})
		inFlight := make(chan int)
		go func() { inFlight <- p.status(t, "/fetch?url=https://example.com/") }()
		synctest.Wait()

		stop()
		stopped := time.Now()
		require.ErrorIs(t, <-done, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(stopped))
		require.Zero(t, <-inFlight)
	})
}

func TestServe_TellsWhenItsListenerBreaks(t *testing.T) {
	t.Parallel()
	p := newPipes()
	require.NoError(t, p.Close())
	require.ErrorIs(t, server.New(server.Options{}).Serve(t.Context(), p), net.ErrClosed)
}
